"""What all parts of the benchmark share: where things are, what is measured in a round, and how rounds are run."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from load import MeasurementError, Sample
from report import Results
from server import Process

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / ".build-bench"
# What the servers write to.
RUN = FOLDER / "run"
BINARY = REPOSITORY / ".build" / "release" / "patchbay"
# The yardstick of refreshes and deliveries: Benchmarks/BareClient.
BARE_CLIENT = BINARY.with_name("bare-client")


@dataclass(frozen=True)
class Settings:
    seconds: int
    rows: int
    rounds: int


def say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr)


@dataclass(frozen=True)
class Step:
    """Something that is measured once a round."""

    name: str
    measure: Callable[[int], Sample]
    server: Process | None = None
    # What somebody beside it saw meanwhile, and the name that it has in the results.
    beside: tuple[str, Callable[[], Sample]] | None = None

    @property
    def names(self) -> list[str]:
        return [self.name] + ([self.beside[0]] if self.beside else [])


def take(step: Step, seconds: int, results: Results) -> Sample | None:
    """One measurement. A failure is written down; a server that ended is started again for the others."""
    sample = None
    try:
        sample = step.measure(seconds)
    except MeasurementError as error:
        results.failures[step.name] = str(error)
    if step.server is not None and not step.server.is_well():
        results.failures[step.name] = "the server ended or hangs"
        step.server.restart(keeping_log=FOLDER / f"failed {step.name}.log")
    if step.name in results.failures:
        say(f"{step.name} failed: {results.failures[step.name]}")
        return None
    if step.server is not None:
        step.server.empty_log()
    return sample


def run_rounds(what: str, steps: list[Step], settings: Settings, results: Results) -> None:
    """All steps in turn, round by round; one that failed is left out from then on."""
    for name in (name for step in steps for name in step.names):
        results.samples.setdefault(name, [])
    for number in range(settings.rounds):
        say(f"{what}, round {number + 1} of {settings.rounds}")
        settle()
        for step in steps:
            if step.name in results.failures:
                continue
            sample = take(step, settings.seconds, results)
            if sample is None:
                results.failures |= {name: results.failures[step.name] for name in step.names}
                continue
            results.samples[step.name].append(sample)
            if step.beside is not None:
                results.samples[step.beside[0]].append(step.beside[1]())


def give_up(what: str, error: Exception, names: list[str], results: Results) -> None:
    """A part that cannot even begin; the others are measured all the same."""
    say(f"{what}: {error}")
    results.samples |= {name: [] for name in names}
    results.failures |= {name: str(error) for name in names}


def settle() -> None:
    """Lets the disk finish what was written, and brings the stores back into the file cache.

    Kernels with proactive reclaim (DAMON) let go of file pages that nobody read for two minutes, which is about a round:
    without this, a measurement of the service is one of the disk's random reads.
    """
    os.sync()
    for store in RUN.glob("*/patchbay.db"):
        with store.open("rb") as file:
            while file.read(1 << 20):
                pass


def clean() -> None:
    """Removes what the servers wrote to; the seeded stores stay."""
    shutil.rmtree(RUN, ignore_errors=True)
