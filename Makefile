# Every verb calls one script in Scripts/, which can be read and run by itself.

.PHONY: help run build test bench fuzz format lint doctor dist clean

help:
	@echo "make run      build, then serve on 127.0.0.1:8080; the first start prints an API key"
	@echo "make build    the release binary, .build/release/patchbay"
	@echo "make test     unit tests, then the end-to-end suite against the release binary"
	@echo "make bench    speed and size of the release binary"
	@echo "make fuzz     a million PUT bodies through scanner and decoder"
	@echo "make lint     formatting, layering, syntax of the scripts"
	@echo "make format   rewrites the Swift sources in the house style"
	@echo "make doctor   what is missing on this machine, and how to get it"
	@echo "make dist     one tarball whose binary needs no Swift runtime"
	@echo "make clean    removes what was built (never a data folder)"

run:
	@sh Scripts/run.sh

build:
	@sh Scripts/build.sh

test:
	@sh Scripts/test.sh

bench:
	@sh Scripts/bench.sh

fuzz:
	@sh Scripts/fuzz.sh

format:
	@sh Scripts/format.sh

lint:
	@sh Scripts/lint.sh

doctor:
	@sh Scripts/doctor.sh

dist:
	@sh Scripts/dist.sh

clean:
	@sh Scripts/clean.sh
