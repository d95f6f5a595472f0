"""The load generator and the yardsticks of the disk. Each measurement is bounded in time and ends by itself."""

import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import seed

HERE = Path(__file__).parent
THREADS = 2
CONNECTIONS = 32
# Seconds, for what is stopped from outside.
LONGEST = 600


class MeasurementError(Exception):
    pass


@dataclass(frozen=True)
class Sample:
    """What one measurement saw; the latencies are in milliseconds."""

    rate: float
    p50: float | None = None
    p99: float | None = None
    p999: float | None = None


# MARK: Requests


def wrk(url: str, mode: str, rows: int, seconds: int, ids: Path | None = None) -> Sample:
    """Drives a server for some seconds. Any answer but a good one fails the measurement."""
    finished = subprocess.run(
        wrk_command(url, mode, rows, seconds), env=wrk_environment(ids), capture_output=True, text=True,
        timeout=seconds + 60)
    return wrk_sample(finished.returncode, finished.stdout, finished.stderr)


@contextmanager
def wrk_until_stopped(url: str, mode: str, rows: int, ids: Path) -> Iterator[Callable[[], Sample]]:
    """Drives a server for as long as the block takes; afterwards what it gives tells what was seen."""
    process = subprocess.Popen(
        wrk_command(url, mode, rows, LONGEST), env=wrk_environment(ids), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    said = ("", "")
    try:
        yield lambda: wrk_sample(process.returncode, *said)
    finally:
        # It sums up when it is interrupted.
        process.send_signal(signal.SIGINT)
        try:
            said = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()


def wrk_command(url: str, mode: str, rows: int, seconds: int) -> list[str]:
    return [
        "wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s",
        "-s", str(HERE / "load.lua"), url, "--", mode, str(rows)]


def wrk_environment(ids: Path | None) -> dict[str, str]:
    environment = os.environ | {
        "BENCH_API_KEY": seed.API_KEY, "BENCH_ID_START": seed.ID_START, "BENCH_ID_END": seed.ID_END}
    return environment | ({"BENCH_IDS": str(ids)} if ids else {})


def wrk_sample(code: int, said: str, complained: str) -> Sample:
    line = re.search(r"^result (.*)$", said, re.MULTILINE)
    if code != 0 or line is None:
        raise MeasurementError(f"wrk: {(complained or said).strip()}")
    facts = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line[1])}
    if facts["broken"] or facts["refused"] or not facts["requests"]:
        raise MeasurementError(
            f"{facts['requests']} answers, {facts['refused']} of them refusals, {facts['broken']} broken connections")
    return Sample(
        rate=facts["requests"] / facts["microseconds"] * 1e6, p50=facts["p50"] / 1e3, p99=facts["p99"] / 1e3)


def openloop(
    program: Path, port: int, rate: float, seconds: int, puts_per_thousand: int, ids: Path
) -> tuple[Sample, Sample]:
    """Asks at a given rate, whatever is answered: latencies count from the moment when a request was to be sent.

    With a rate of 0 it asks as soon as it is answered. Returns what was seen of GETs and of PUTs, both with the rate of all.
    """
    command = [str(program), str(port), f"{rate:.3f}", str(seconds), str(CONNECTIONS), str(puts_per_thousand), str(ids)]
    finished = subprocess.run(command, env=wrk_environment(None), capture_output=True, text=True, timeout=seconds + 60)
    line = re.search(r"^result (.*)$", finished.stdout, re.MULTILINE)
    if finished.returncode != 0 or line is None:
        raise MeasurementError(finished.stderr.strip() or f"openloop ended with {finished.returncode}")
    facts = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line[1])}
    if facts["refused"]:
        raise MeasurementError(f"{facts['refused']} of {facts['requests']} answers are refusals")
    rate = facts["requests"] / facts["microseconds"] * 1e6
    get, put = (
        Sample(rate, *(facts[f"{kind}_{percentile}"] / 1e3 for percentile in ["p50", "p99", "p999"]))
        for kind in ["get", "put"])
    return get, put


def build(name: str, folder: Path) -> Path:
    """A program of this folder, in C."""
    program = folder / name
    subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / f"{name}.c")], check=True)
    return program


# MARK: The disk


def fdatasync(program: Path, kind: str, folder: Path, seconds: int) -> Sample:
    """Commits a second when each is 4 KiB and one fdatasync, by one thread."""
    file = folder / "fdatasync.tmp"
    try:
        finished = subprocess.run(
            [str(program), kind, str(file), str(seconds)], capture_output=True, text=True, check=True)
        return Sample(float(finished.stdout))
    finally:
        file.unlink(missing_ok=True)


def sqlite_commits(folder: Path, seconds: int) -> Sample:
    """Commits a second of plain SQLite: WAL, synchronous=FULL, one UPDATE each, by one thread."""
    path = folder / "yardstick.db"
    remove_database(path)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, config TEXT NOT NULL)")
            database.executemany("INSERT INTO item (config) VALUES (?)", [("x" * 100,)] * 1000)
            commits = 0
            begin = time.perf_counter()
            while time.perf_counter() - begin < seconds:
                database.execute(
                    "UPDATE item SET config = ? WHERE id = ?", (f"{commits:0100d}", commits * 7919 % 1000 + 1))
                commits += 1
            return Sample(commits / (time.perf_counter() - begin))
    finally:
        remove_database(path)


def remove_database(path: Path) -> None:
    for suffix in ["", "-wal", "-shm"]:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
