"""Kills a running server at a system call of its own: strace puts SIGKILL in the place of the call."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from support import trace
from support.server import PATIENCE, Server, wait_until


@dataclass(frozen=True)
class Landing:
    """Where in the story of the store's log a server died."""

    # Commits that were synced since the trap was set.
    commits: int
    # How often the next one had been written to.
    writes: int
    call: str


class Trap:
    """Set on a server that runs; it dies instead of making its nth call of this name.

    - Parameter call: `pwrite64` and `fdatasync` are of the store's write-ahead log only, `connect` of any socket.
    """

    def __init__(self, server: Server, call: str, nth: int, output: Path) -> None:
        self._server = server
        self._output = output
        output.unlink(missing_ok=True)
        of_store = [] if call == "connect" else ["-P", f"{server.database()}-wal"]
        calls = call if call == "connect" else "pwrite64,fdatasync"
        inject = f"inject={call}:signal=SIGKILL:when={nth}"
        command = f"strace -f -q -y -s 8 -e trace={calls} -e {inject} -p {server.pid}".split()
        self._strace = subprocess.Popen(
            [*command, *of_store, "-o", str(output)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._is_set, "strace has attached to every thread")

    def _is_set(self) -> bool:
        assert self._strace.poll() is None, "strace ended at once"
        tasks = Path(f"/proc/{self._server.pid}/task")
        return all(_is_traced(task) for task in tasks.iterdir())

    def await_death(self) -> Landing | None:
        """Once whatever was to set it off has come back. None if nothing did."""
        if self._server.process is not None and self._server.process.poll() is None:
            try:
                self._server.process.wait(5)
            except subprocess.TimeoutExpired:
                self._strace.terminate()
                self._strace.wait(PATIENCE)
                return None
        self._server.wait()
        self._strace.wait(PATIENCE)
        return landing(self._output.read_text(errors="replace"))


def _is_traced(task: Path) -> bool:
    try:
        status = (task / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        # A thread that has ended meanwhile.
        return True
    return "\nTracerPid:\t0\n" not in status


def landing(text: str) -> Landing:
    """Reads what strace wrote of the log. A sync of nothing but the log's header, as it begins anew, is no commit."""
    commits, writes, last = 0, 0, ""
    for call in trace.parse(text):
        if call.text.endswith("= ?"):
            last = call.name
        elif call.name == "pwrite64":
            writes += not _is_header(call)
        elif call.name == "fdatasync" and writes:
            commits, writes = commits + 1, 0
    return Landing(commits, writes, last)


def _is_header(call: trace.Call) -> bool:
    """The log's own, at its beginning, rather than a frame's."""
    return call.text.endswith(", 32, 0) = 32")
