#!/usr/bin/env python3
"""Measures the release binary on loopback: speed, memory and start, as ratios within one run.

BENCH_SECONDS  how long each measurement takes (5)
BENCH_ROWS     connections in the large store (1000000)
BENCH_ROUNDS   how often each is measured, all of them in turn (3)
BENCH_ONLY     oauth: only reading tokens and refreshing; webhooks: only delivering events; sweep: only looking at
               connections; mix: only everything at once; no large store is needed for any of them (everything)

The tables and the facts of the machine go to standard output and to .build-bench/results.md. A missed floor is told;
only a measurement that failed makes the exit code 1, and leaves the server's log in .build-bench.
"""

import os
import shutil
import sys
from contextlib import ExitStack
from statistics import median

import load
import mix
import oauth
import report
import seed
import sweep
import webhooks
from load import MeasurementError
from report import Goal, Results
from rounds import (
    BARE_CLIENT, BINARY, FOLDER, REPOSITORY, RUN, Settings, Step, clean, give_up, run_rounds, say, take)
from server import Nginx, Patchbay, Process, ServerError

SMALL_ROWS = 1000
STARTS = 5


def settings_from_environment() -> Settings:
    settings = Settings(
        seconds=positive("BENCH_SECONDS", 5), rows=positive("BENCH_ROWS", 1_000_000), rounds=positive("BENCH_ROUNDS", 3))
    if settings.rows > seed.MAX_ROWS:
        sys.exit(f"BENCH_ROWS can be {seed.MAX_ROWS} at the most")
    return settings


def positive(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or int(text) == 0:
        sys.exit(f"{name} must be a whole number above 0")
    return int(text)


# MARK: Steps


def requests(server: Process, mode: str, rows: int) -> Step:
    name = mode if mode in ("live", "nginx") else f"{mode} at {rows:,}"
    return Step(name, lambda seconds: load.wrk(server.url, mode, rows, seconds), server)


def disk_steps() -> list[Step]:
    program = load.build("fdatasync", FOLDER)
    return [
        Step("fdatasync append", lambda seconds: load.fdatasync(program, "append", FOLDER, seconds)),
        Step("fdatasync overwrite", lambda seconds: load.fdatasync(program, "overwrite", FOLDER, seconds)),
        Step("sqlite commit", lambda seconds: load.sqlite_commits(FOLDER, seconds)),
    ]


def all_steps(small: Process, large: Process, nginx: Process, rows: int, bench: oauth.Bench | None) -> list[Step]:
    """Those that are compared stand beside each other."""
    steps = [requests(nginx, "nginx", 0), requests(small, "live", 0)]
    if bench is not None:
        steps.append(oauth.token_reads(bench))
    for mode in ["get", "put"]:
        steps += [requests(small, mode, SMALL_ROWS), requests(large, mode, rows)]
    steps += disk_steps()
    for mode in ["page", "total", "stats"]:
        steps += [requests(small, mode, SMALL_ROWS), requests(large, mode, rows)]
    return steps


# MARK: Start and memory


def start_seconds(server: Process) -> list[float]:
    seconds = []
    for _ in range(STARTS):
        seconds.append(server.start())
        server.stop()
    return seconds


def peak_memory(server: Process, settings: Settings, results: Results) -> tuple[float, float | None]:
    """After the start, and at the most under reads, writes and lists, alone and mixed."""
    with server:
        idle = server.peak_memory()
        for mode in ["get", "put", "page", "mixed"]:
            step = requests(server, mode, settings.rows)
            step = Step(f"memory under {step.name}", step.measure, server)
            if take(step, settings.seconds, results) is None:
                return idle, None
        return idle, server.peak_memory()


# MARK: All of it


def goals(results: Results, starts: list[float], idle: float, peak: float | None, settings: Settings) -> list[Goal]:
    rows = f"{settings.rows:,}"
    small = f"{SMALL_ROWS:,}"

    def scaling(mode: str, what: str, floor: float, aim: float) -> Goal:
        ratio = results.ratio(f"{mode} at {rows}", to=f"{mode} at {small}")
        return Goal(f"{what}, {rows} against {small}", ratio, floor, aim)

    get, put = f"get at {small}", f"put at {small}"
    return [
        Goal("GET one connection, against /health/live", results.ratio(get, to="live"), 0.6, 0.85),
        Goal("durable PUT, against /health/live", results.ratio(put, to="live"), 0.25, 0.4),
        Goal("durable PUT, against 4 KiB appended and fdatasync", results.ratio(put, to="fdatasync append"), 3, 6),
        Goal("durable PUT, against 4 KiB overwritten and fdatasync", results.ratio(put, to="fdatasync overwrite")),
        Goal("durable PUT, against one SQLite commit a write", results.ratio(put, to="sqlite commit")),
        scaling("get", "GET", 0.8, 0.95),
        scaling("put", "PUT", 0.8, 0.95),
        scaling("page", "first page of the list", 0.5, 0.9),
        scaling("total", "unfiltered total", 0.5, 0.9),
        scaling("stats", "stats", 0.5, 0.9),
        Goal(f"peak resident memory at {rows}", peak, 128, 64, "MiB", less_is_better=True),
        Goal(f"resident memory after the start at {rows}", idle, unit="MiB", less_is_better=True),
        Goal(f"from exec to ready at {rows}", median(starts), 0.5, 0.2, "s", less_is_better=True),
        Goal("/health/live, against nginx", results.ratio("live", to="nginx")),
    ]


def prepare(settings: Settings) -> tuple[Patchbay, Patchbay]:
    servers = []
    for name, rows in [("small", SMALL_ROWS), ("large", settings.rows)]:
        kept = seed.seeded(REPOSITORY, BINARY, FOLDER, rows)
        data = RUN / name
        seed.copy(kept, data)
        servers.append(Patchbay(BINARY, data, seed.API_KEY))
    return servers[0], servers[1]


def warm_up(steps: list[Step], results: Results) -> None:
    say("warming up")
    for step in steps:
        take(step, 1, results)


def measure(settings: Settings, results: Results) -> list[Goal]:
    small, large = prepare(settings)
    say(f"starting {STARTS} times")
    starts = start_seconds(large)
    with ExitStack() as running:
        nginx = Nginx("nginx", RUN / "nginx")
        for server in [small, large, nginx]:
            running.enter_context(server)
        bench = None
        try:
            bench = oauth.prepare(running)
        except (MeasurementError, ServerError) as error:
            give_up("no connections to refresh", error, [oauth.TOKEN, oauth.ALONE], results)
        steps = all_steps(small, large, nginx, settings.rows, bench)
        warm_up(steps, results)
        run_rounds("requests", steps, settings, results)
        for server in [small, large, nginx]:
            server.stop()
        if bench is not None:
            oauth.measure(bench, settings, results)
    others = webhooks.measure(settings, results) + sweep.measure(settings, results) + mix.measure(settings, results)
    say("memory")
    idle, peak = peak_memory(large, settings, results)
    return goals(results, starts, idle, peak, settings) + oauth.goals(results) + others


def measure_oauth(settings: Settings, results: Results) -> list[Goal]:
    """Without the other stores: a minute or two instead of several."""
    with ExitStack() as running:
        try:
            bench = oauth.prepare(running)
        except MeasurementError as error:
            raise ServerError(str(error)) from error
        steps = [requests(bench.server, "live", 0), oauth.token_reads(bench)]
        warm_up(steps, results)
        run_rounds("requests", steps, settings, results)
        oauth.measure(bench, settings, results)
    return oauth.goals(results)


# By BENCH_ONLY.
PARTS = {
    "": measure, "oauth": measure_oauth, "webhooks": webhooks.measure, "sweep": sweep.measure, "mix": mix.measure}


def check_tools() -> None:
    missing = [tool for tool in ["wrk", "nginx", "cc"] if shutil.which(tool) is None]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}; run: apt-get install wrk nginx-light gcc libc6-dev")
    if not BINARY.exists():
        sys.exit("no release binary; run: make build")
    if not BARE_CLIENT.exists():
        sys.exit("no bare client; run: swift build -c release --product bare-client")


def main() -> int:
    settings = settings_from_environment()
    only = os.environ.get("BENCH_ONLY", "")
    if only not in PARTS:
        sys.exit(f"BENCH_ONLY can be {', '.join(part for part in PARTS if part)}, or be left out")
    check_tools()
    FOLDER.mkdir(exist_ok=True)
    for log in FOLDER.glob("failed *.log"):
        log.unlink()
    load_average = os.getloadavg()[0]
    clean()
    results = Results()
    try:
        goals = PARTS[only](settings, results)
    except ServerError as error:
        sys.exit(str(error))
    clean()
    what = f"BENCH_ONLY={only}" if only else f"BENCH_ROWS={settings.rows}"
    command = f"{what} BENCH_SECONDS={settings.seconds} BENCH_ROUNDS={settings.rounds} make bench"
    text = "\n\n".join([
        report.goals_table(goals), report.samples_table(results),
        report.facts(REPOSITORY, FOLDER, command, load_average)]) + "\n"
    (FOLDER / "results.md").write_text(text)
    print(text, end="")
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
