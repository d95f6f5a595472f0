"""Reading what strace saw, to say in which order things happened."""

import re
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,fsync,fdatasync"

# -f every thread, -y the file behind a descriptor, -s enough of each text to see a request's head,
# -D keeps the traced process our own child.
COMMAND = ["strace", "-D", "-f", "-q", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o"]

_LINE = re.compile(r"^(?P<pid>\d+) +(?P<rest>.*)$")
_RESUMED = re.compile(r"^<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)$")
_CALL = re.compile(r"^(?P<call>\w+)\((?P<rest>.*)$")
_UNFINISHED = " <unfinished ...>"


@dataclass
class Call:
    """One system call. `begun` and `ended` are its places in the order of all that strace wrote down."""

    name: str
    text: str
    begun: int
    ended: int = -1
    failed: bool = field(default=False)


def parse(text: str) -> list[Call]:
    """The finished calls, in the order in which they began."""
    calls: list[Call] = []
    open_calls: dict[str, Call] = {}
    for number, line in enumerate(text.splitlines()):
        match = _LINE.match(line)
        if not match:
            continue
        pid, rest = match["pid"], match["rest"]
        if resumed := _RESUMED.match(rest):
            if call := open_calls.pop(pid, None):
                call.text += resumed["rest"]
                call.ended = number
                call.failed = _failed(resumed["rest"])
        elif begun := _CALL.match(rest):
            call = Call(begun["call"], begun["rest"], number)
            calls.append(call)
            if begun["rest"].endswith(_UNFINISHED):
                open_calls[pid] = call
            else:
                call.ended = number
                call.failed = _failed(begun["rest"])
    return [call for call in calls if call.ended >= 0]


def _failed(rest: str) -> bool:
    return " = -1 " in rest[-200:]


def read(path: Path) -> list[Call]:
    return parse(path.read_text(errors="replace"))


READS = {"read", "recvfrom", "recvmsg"}
SENDS = {"write", "writev", "sendto", "sendmsg"}
STORES = {"pwrite64", "pwritev", "write", "writev"}
SYNCS = {"fsync", "fdatasync"}


@dataclass
class Verdict:
    """What became of one request, seen from outside the process."""

    request: str
    problem: str | None


def judge(calls: list[Call], request: str) -> Verdict:
    """Whether the answer to this request left only after its data was written and synced, in that order.

    The request's id stands in its head, and in the head of its answer, and nowhere else.
    """
    arrived = next((call.ended for call in calls if call.name in READS and request in call.text), None)
    if arrived is None:
        return Verdict(request, "it was never read")
    # A log line carries the id too, but no status line.
    answers = [call for call in calls if call.name in SENDS and request in call.text and "HTTP/1.1 200" in call.text]
    if not answers:
        return Verdict(request, "it was never answered with 200")
    left = answers[0].begun
    for sync in calls:
        if sync.name in SYNCS and not sync.failed and _is_store(sync) and arrived < sync.begun and sync.ended < left:
            written = any(
                call.name in STORES
                and not call.failed
                and _is_store(call)
                and arrived < call.begun
                and call.ended < sync.begun
                for call in calls
            )
            if written:
                return Verdict(request, None)
    return Verdict(request, "no write and sync of the store lies between its arrival and its answer")


def _is_store(call: Call) -> bool:
    """The write-ahead log is what a commit is made of."""
    return "-wal>" in call.text.split(",", 1)[0]
