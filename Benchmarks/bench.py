#!/usr/bin/env python3
"""Measures the release binary on loopback: speed, memory and start, as ratios within one run.

BENCH_SECONDS  how long each measurement takes (5)
BENCH_ROWS     connections in the large store (1000000)
BENCH_ROUNDS   how often each is measured, all of them in turn (3)
BENCH_ONLY     oauth: only reading tokens and refreshing; webhooks: only delivering events; sweep: only looking at
               connections; no large store is needed for any of them (everything)

The tables and the facts of the machine go to standard output and to .build-bench/results.md. A missed floor is told;
only a measurement that failed makes the exit code 1, and leaves the server's log in .build-bench.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import load
import oauth
import report
import seed
import sweep
import webhooks
from load import MeasurementError, Sample
from report import Goal, Results
from server import Nginx, Patchbay, Process, ServerError, Simulator

SMALL_ROWS = 1000
STARTS = 5
# Seconds after which no further round of refreshes begins: how long one takes is what is measured.
REFRESH_BUDGET = 40.0
# The steps of run_refresh_rounds, as they are called in the table.
IDLE_GET = f"get at {oauth.REFRESHES:,}, idle"
BUSY_GET = f"get at {oauth.REFRESHES:,}, refreshing"
BARE = "bare token requests"
REFRESHES = "refreshes"
BESIDE_GET = "refreshes beside get"
BARE_EVENTS = "bare webhook requests"
DELIVERIES = "webhook deliveries"
# The steps of run_sweep_rounds.
UNSWEPT_GET = f"get at {sweep.CONNECTIONS:,}, idle"
SWEPT_GET = f"get at {sweep.CONNECTIONS:,}, sweeping"
SWEEP = "looks beside get"
REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / ".build-bench"
BINARY = REPOSITORY / ".build" / "release" / "patchbay"
# The yardstick of the refreshes: Benchmarks/BareClient.
BARE_CLIENT = BINARY.with_name("bare-client")


@dataclass(frozen=True)
class Settings:
    seconds: int
    rows: int
    rounds: int
    only: str

    @classmethod
    def from_environment(cls) -> "Settings":
        settings = cls(
            seconds=positive("BENCH_SECONDS", 5), rows=positive("BENCH_ROWS", 1_000_000),
            rounds=positive("BENCH_ROUNDS", 3), only=only())
        if settings.rows > seed.MAX_ROWS:
            sys.exit(f"BENCH_ROWS can be {seed.MAX_ROWS} at the most")
        return settings

    @property
    def command(self) -> str:
        what = f"BENCH_ONLY={self.only}" if self.only else f"BENCH_ROWS={self.rows}"
        return f"{what} BENCH_SECONDS={self.seconds} BENCH_ROUNDS={self.rounds} make bench"


def positive(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or int(text) == 0:
        sys.exit(f"{name} must be a whole number above 0")
    return int(text)


def only() -> str:
    part = os.environ.get("BENCH_ONLY", "")
    if part not in ("", "oauth", "webhooks", "sweep"):
        sys.exit("BENCH_ONLY can be oauth, webhooks or sweep, or be left out")
    return part


def say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr)


# MARK: Steps


@dataclass(frozen=True)
class Step:
    """Something that is measured once a round."""

    name: str
    measure: Callable[[int], Sample]
    server: Process | None = None


def requests(server: Process, mode: str, rows: int) -> Step:
    name = mode if mode in ("live", "nginx") else f"{mode} at {rows:,}"
    return Step(name, lambda seconds: load.wrk(server.url, mode, rows, seconds), server)


def token_reads(bench: oauth.Bench) -> Step:
    return Step("token", lambda seconds: bench.requests("token", oauth.READ, seconds), bench.server)


def disk_steps() -> list[Step]:
    program = load.build_fdatasync(FOLDER)
    return [
        Step("fdatasync append", lambda seconds: load.fdatasync(program, "append", FOLDER, seconds)),
        Step("fdatasync overwrite", lambda seconds: load.fdatasync(program, "overwrite", FOLDER, seconds)),
        Step("sqlite commit", lambda seconds: load.sqlite_commits(FOLDER, seconds)),
    ]


def all_steps(small: Process, large: Process, nginx: Process, rows: int, bench: oauth.Bench | None) -> list[Step]:
    """Those that are compared stand beside each other."""
    steps = [requests(nginx, "nginx", 0), requests(small, "live", 0)]
    if bench is not None:
        steps.append(token_reads(bench))
    for mode in ["get", "put"]:
        steps += [requests(small, mode, SMALL_ROWS), requests(large, mode, rows)]
    steps += disk_steps()
    for mode in ["page", "total", "stats"]:
        steps += [requests(small, mode, SMALL_ROWS), requests(large, mode, rows)]
    return steps


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


def run_rounds(steps: list[Step], settings: Settings) -> Results:
    results = Results(samples={step.name: [] for step in steps})
    say("warming up")
    for step in steps:
        take(step, 1, results)
    for number in range(settings.rounds):
        say(f"round {number + 1} of {settings.rounds}")
        settle()
        for step in steps:
            if step.name in results.failures:
                continue
            sample = take(step, settings.seconds, results)
            if sample is not None:
                results.samples[step.name].append(sample)
    return results


def run_refresh_rounds(bench: oauth.Bench, settings: Settings, results: Results) -> None:
    """Each of them once a round, except that the refreshes are measured once alone and once beside somebody who reads."""
    idle = Step(IDLE_GET, lambda seconds: bench.requests("listed", oauth.REFRESHES, seconds), bench.server)
    steps = [idle, Step(BARE, lambda _: bench.bare()), Step(REFRESHES, lambda _: bench.refreshes(), bench.server)]
    beside = Step(BESIDE_GET, lambda _: bench.refreshes_under_load(), bench.server)
    for name in [*(step.name for step in steps), BESIDE_GET, BUSY_GET]:
        results.samples[name] = []
    begin = time.monotonic()
    for number in range(settings.rounds):
        if time.monotonic() - begin > REFRESH_BUDGET:
            say("no more rounds of refreshes: they take too long")
            break
        say(f"refreshes, round {number + 1} of {settings.rounds}")
        settle()
        for step in [*steps, beside]:
            if step.name in results.failures:
                continue
            sample = take(step, settings.seconds, results)
            if sample is not None:
                results.samples[step.name].append(sample)
                if step is beside:
                    results.samples[BUSY_GET].append(bench.reader)
    if BESIDE_GET in results.failures:
        results.failures[BUSY_GET] = results.failures[BESIDE_GET]


def run_delivery_rounds(bench: webhooks.Bench, settings: Settings, results: Results) -> None:
    steps = [Step(BARE_EVENTS, lambda _: bench.bare()), Step(DELIVERIES, lambda _: bench.deliveries(), bench.server)]
    for step in steps:
        results.samples[step.name] = []
    for number in range(settings.rounds):
        say(f"deliveries, round {number + 1} of {settings.rounds}")
        settle()
        for step in steps:
            if step.name in results.failures:
                continue
            sample = take(step, settings.seconds, results)
            if sample is not None:
                results.samples[step.name].append(sample)


def run_sweep_rounds(bench: sweep.Bench, settings: Settings, results: Results) -> None:
    """What the reader beside the sweep saw is a sample of its own."""
    steps = [
        Step(UNSWEPT_GET, lambda seconds: bench.requests(seconds), bench.server),
        Step(SWEEP, lambda _: bench.sweep(), bench.server),
    ]
    for name in [*(step.name for step in steps), SWEPT_GET]:
        results.samples[name] = []
    for number in range(settings.rounds):
        say(f"sweep, round {number + 1} of {settings.rounds}")
        settle()
        for step in steps:
            if step.name in results.failures:
                continue
            sample = take(step, settings.seconds, results)
            if sample is not None:
                results.samples[step.name].append(sample)
                if step.name == SWEEP:
                    results.samples[SWEPT_GET].append(bench.reader)
    if SWEEP in results.failures:
        results.failures[SWEPT_GET] = results.failures[SWEEP]


def settle() -> None:
    """Lets the disk finish what was written, and brings the stores back into the file cache.

    Kernels with proactive reclaim (DAMON) let go of file pages that nobody read for two minutes, which is about a round:
    without this, a measurement of the service is one of the disk's random reads.
    """
    os.sync()
    for store in (FOLDER / "run").glob("*/patchbay.db"):
        with store.open("rb") as file:
            while file.read(1 << 20):
                pass


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


def oauth_goals(results: Results) -> list[Goal]:
    count = f"{oauth.REFRESHES:,}"
    return [
        Goal("reading a token, against /health/live", results.ratio("token", to="live"), 0.2, 0.35),
        Goal(f"{count} refreshes due at once, against a bare client", results.ratio(REFRESHES, to=BARE), 0.4),
        Goal("the same beside GETs, against a bare client alone", results.ratio(BESIDE_GET, to=BARE), 0.4),
        Goal("GET one connection meanwhile, against idle", results.ratio(BUSY_GET, to=IDLE_GET), 0.5),
    ]


def webhook_goals(results: Results) -> list[Goal]:
    ratio = results.ratio(DELIVERIES, to=BARE_EVENTS)
    return [Goal(f"{webhooks.ENTRIES:,} events delivered, against a bare client", ratio, 0.4)]


def sweep_goals(results: Results, memory: float | None) -> list[Goal]:
    count = f"{sweep.CONNECTIONS:,}"
    return [
        Goal(f"GET one connection while {count} are looked at, against idle", results.ratio(SWEPT_GET, to=UNSWEPT_GET), 0.5),
        Goal("peak resident memory meanwhile", memory, 128, None, "MiB", less_is_better=True),
    ]


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
        data = FOLDER / "run" / name
        seed.copy(kept, data)
        servers.append(Patchbay(BINARY, data, seed.API_KEY))
    return servers[0], servers[1]


def clean() -> None:
    """Removes what the servers wrote to; the seeded stores stay."""
    shutil.rmtree(FOLDER / "run", ignore_errors=True)


def prepare_oauth(running: ExitStack) -> oauth.Bench:
    """A server with connections, and the provider that they are connections to."""
    data = FOLDER / "run" / "oauth"
    server = Patchbay(BINARY, data, seed.API_KEY, PATCHBAY_EGRESS_ALLOW="oauth=127.0.0.1/32")
    simulator = Simulator(BINARY, data.with_name("simulator.log"))
    running.enter_context(simulator)
    running.enter_context(server)
    say(f"making {oauth.REFRESHES:,} connections to a simulated provider")
    bench = oauth.Bench(server, simulator, BARE_CLIENT, data.parent)
    bench.make_connections()
    server.empty_log()
    return bench


def measure_deliveries(settings: Settings, results: Results) -> None:
    """With a server and a receiver of its own."""
    with ExitStack() as running:
        data = FOLDER / "run" / "webhooks"
        server = webhooks.patchbay(BINARY, data, seed.API_KEY)
        receiver = webhooks.receiver(data.parent)
        try:
            running.enter_context(receiver)
            running.enter_context(server)
            say(f"writing {webhooks.ENTRIES:,} entries of the journal")
            bench = webhooks.Bench(server, receiver, BARE_CLIENT, data.parent)
            bench.write_journal()
        except (MeasurementError, ServerError) as error:
            say(f"nothing to deliver: {error}")
            results.samples |= {BARE_EVENTS: [], DELIVERIES: []}
            results.failures[DELIVERIES] = str(error)
            return
        run_delivery_rounds(bench, settings, results)


def measure_sweeping(settings: Settings, results: Results) -> float | None:
    """With a server and a provider of its own. Returns the server's peak memory in MiB."""
    with ExitStack() as running:
        data = FOLDER / "run" / "sweep"
        server = Patchbay(BINARY, data, seed.API_KEY, PATCHBAY_EGRESS_ALLOW="probe=127.0.0.1/32")
        simulator = Simulator(BINARY, data.with_name("sweep-simulator.log"))
        try:
            running.enter_context(simulator)
            running.enter_context(server)
            say(f"making {sweep.CONNECTIONS:,} connections to a simulated provider")
            bench = sweep.Bench(server, simulator, data.parent)
            bench.make_connections()
            server.empty_log()
        except (MeasurementError, ServerError) as error:
            say(f"no connections to look at: {error}")
            results.samples |= {UNSWEPT_GET: [], SWEEP: [], SWEPT_GET: []}
            results.failures[SWEEP] = results.failures[SWEPT_GET] = str(error)
            return None
        run_sweep_rounds(bench, settings, results)
        return bench.memory or None


def try_to_prepare_oauth(running: ExitStack) -> oauth.Bench | str:
    """What went wrong, so that the others are measured all the same."""
    try:
        return prepare_oauth(running)
    except (MeasurementError, ServerError) as error:
        say(f"no connections to refresh: {error}")
        return str(error)


def measure(settings: Settings) -> tuple[list[Goal], Results]:
    clean()
    small, large = prepare(settings)
    say(f"starting {STARTS} times")
    starts = start_seconds(large)
    with ExitStack() as running:
        nginx = Nginx("nginx", FOLDER / "run" / "nginx")
        for server in [small, large, nginx]:
            running.enter_context(server)
        bench = try_to_prepare_oauth(running)
        usable = None if isinstance(bench, str) else bench
        results = run_rounds(all_steps(small, large, nginx, settings.rows, usable), settings)
        for server in [small, large, nginx]:
            server.stop()
        if isinstance(bench, str):
            results.failures["token"] = results.failures[REFRESHES] = bench
            results.samples |= {"token": [], REFRESHES: []}
        else:
            run_refresh_rounds(bench, settings, results)
    measure_deliveries(settings, results)
    swept = measure_sweeping(settings, results)
    say("memory")
    idle, peak = peak_memory(large, settings, results)
    measured = goals(results, starts, idle, peak, settings) + oauth_goals(results) + webhook_goals(results)
    return measured + sweep_goals(results, swept), results


def measure_oauth(settings: Settings) -> tuple[list[Goal], Results]:
    """Without the other stores: a minute or two instead of several."""
    clean()
    with ExitStack() as running:
        try:
            bench = prepare_oauth(running)
        except MeasurementError as error:
            raise ServerError(str(error)) from error
        results = run_rounds([requests(bench.server, "live", 0), token_reads(bench)], settings)
        run_refresh_rounds(bench, settings, results)
    return oauth_goals(results), results


def measure_webhooks(settings: Settings) -> tuple[list[Goal], Results]:
    clean()
    results = Results(samples={})
    measure_deliveries(settings, results)
    return webhook_goals(results), results


def measure_sweep(settings: Settings) -> tuple[list[Goal], Results]:
    clean()
    results = Results(samples={})
    memory = measure_sweeping(settings, results)
    return sweep_goals(results, memory), results


def check_tools() -> None:
    missing = [tool for tool in ["wrk", "nginx"] if shutil.which(tool) is None]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}; run: apt-get install wrk nginx-light")
    if not BINARY.exists():
        sys.exit("no release binary; run: make build")
    if not BARE_CLIENT.exists():
        sys.exit("no bare client; run: swift build -c release --product bare-client")


def main() -> int:
    settings = Settings.from_environment()
    check_tools()
    FOLDER.mkdir(exist_ok=True)
    for log in FOLDER.glob("failed *.log"):
        log.unlink()
    load_average = os.getloadavg()[0]
    try:
        parts = {"": measure, "oauth": measure_oauth, "webhooks": measure_webhooks, "sweep": measure_sweep}
        goals, results = parts[settings.only](settings)
    except ServerError as error:
        sys.exit(str(error))
    clean()
    text = "\n\n".join([
        report.goals_table(goals), report.samples_table(results),
        report.facts(REPOSITORY, FOLDER, settings.command, load_average)]) + "\n"
    (FOLDER / "results.md").write_text(text)
    print(text, end="")
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
