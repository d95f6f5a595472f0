"""A wall clock that a test can put forward in a server that runs, so that nothing has to wait ten minutes."""

import shutil
import struct
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from support.server import Server

SOURCE = Path(__file__).with_name("clock.c")


@cache
def library(folder: Path) -> Path:
    """Compiled by the C compiler that the Swift toolchain has anyway."""
    compiler = shutil.which("clang") or shutil.which("cc")
    assert compiler is not None, "no clang in PATH, which comes with the Swift toolchain"
    made = folder / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(SOURCE), "-ldl"], check=True)
    return made


class Clock:
    """How far ahead one server's wall clock is."""

    def __init__(self, file: Path, preload: Path):
        self._file = file
        self._preload = preload
        self._ahead = 0
        self._write()

    def give_to(self, server: Server) -> None:
        """From the server's next start on."""
        server.change(LD_PRELOAD=str(self._preload), PATCHBAY_TEST_CLOCK=str(self._file))

    def advance(self, seconds: int = 0, minutes: int = 0, hours: int = 0) -> None:
        self._ahead += seconds + 60 * minutes + 3600 * hours
        self._write()

    def now(self) -> datetime:
        """As the server reads it."""
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def _write(self) -> None:
        # In place: the server has this very file mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", self._ahead))
