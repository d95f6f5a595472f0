"""Turns samples into the table of the goals, the table of what was seen, and the facts of the machine."""

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from load import CONNECTIONS, THREADS, Sample


@dataclass(frozen=True)
class Goal:
    """One line of the table: a number, and how good it has to be."""

    what: str
    value: float | None
    floor: float | None = None
    aim: float | None = None
    unit: str = ""
    less_is_better: bool = False

    def reaches(self, bound: float) -> bool:
        assert self.value is not None
        return self.value <= bound if self.less_is_better else self.value >= bound

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "FAILED"
        if self.floor is None:
            return "told only"
        if self.aim is not None and self.reaches(self.aim):
            return "aim met"
        return "floor met" if self.reaches(self.floor) else "NOT met"

    @property
    def cells(self) -> list[str]:
        return [self.what, *(self.written(number) for number in [self.value, self.floor, self.aim]), self.verdict]

    def written(self, number: float | None) -> str:
        if number is None:
            return "-"
        return f"{number:.0f} {self.unit}" if self.unit == "MiB" else f"{number:.3g} {self.unit}".rstrip()


@dataclass
class Results:
    """Samples by step, one a round; a step that failed once has no more."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def ratio(self, step: str, to: str) -> float | None:
        """The median of the rounds' ratios: both sides of each were measured within the same minute."""
        if any(name in self.failures or not self.samples.get(name) for name in [step, to]):
            return None
        return median(a.rate / b.rate for a, b in zip(self.samples[step], self.samples[to]))


# MARK: Tables


def table(header: list[str], lines: list[list[str]]) -> str:
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]

    def written(cells: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"

    return "\n".join([written(header), written(["-" * width for width in widths]), *map(written, lines)])


def goals_table(goals: list[Goal]) -> str:
    return table(["what", "measured", "floor", "aim", "verdict"], [goal.cells for goal in goals])


def samples_table(results: Results) -> str:
    lines = []
    for step, samples in results.samples.items():
        if step in results.failures:
            lines.append([step, "FAILED", results.failures[step], "", ""])
            continue
        lines.append([
            step, f"{median(sample.rate for sample in samples):,.0f}",
            ", ".join(f"{sample.rate:,.0f}" for sample in samples),
            milliseconds([sample.p50 for sample in samples]), milliseconds([sample.p99 for sample in samples])])
    return table(["step", "a second", "by round", "p50 ms", "p99 ms"], lines)


def milliseconds(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.2f}" if known else ""


# MARK: Facts


def output(command: list[str], folder: Path | None = None) -> str:
    if shutil.which(command[0]) is None:
        return "not there"
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return (finished.stdout + finished.stderr).strip()


def commit(repository: Path) -> str:
    known = output(["git", "rev-parse", "--short=12", "HEAD"], repository)
    return known + (" with uncommitted changes" if output(["git", "status", "--porcelain"], repository) else "")


def cpu_model() -> str:
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return model[1] if model else platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def file_system(folder: Path) -> str:
    """The kind of the deepest mount that holds the folder."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [mount for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[1]))[2] if holding else "unknown"


def facts(repository: Path, folder: Path, command: str, load_average: float) -> str:
    wrk = output(["wrk", "-v"]).split(" [")[0]
    nginx = output(["nginx", "-v"]).removeprefix("nginx version: ")
    lines = [
        f"date: {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"commit: {commit(repository)}",
        f"command: `{command}`",
        f"machine: {os.cpu_count()} cores, {cpu_model()}, {memory_gib():.0f} GiB, Linux {platform.release()}",
        f"disk: kind unknown, file system {file_system(folder)}; its speed is in the table above",
        f"load average before the start: {load_average:.2f}",
        f"load: {wrk}, {THREADS} threads, {CONNECTIONS} connections, on the same machine as the server",
        f"yardstick: {nginx}, 2 workers, `return 200`, no log",
        "the server logs at info, as JSON, to a file, one line for each API request; it writes none for /health/live",
    ]
    return "\n".join(f"- {line}" for line in lines)
