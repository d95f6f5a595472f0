"""Concurrent writers that remember what was acknowledged, so that a crash can be judged afterwards."""

import contextlib
import threading
from dataclasses import dataclass
from typing import Any

import httpx

from support.api import CONNECTIONS, create_custom
from support.server import PATIENCE, Server


@dataclass
class Ledger:
    """What one writer knows of its own connection: the last counter sent, and the last acknowledged."""

    connection: str
    sent: int = 0
    acknowledged: int = 0


def content(counter: int) -> dict[str, Any]:
    """A change whose parts all say the same number, so that a torn one would show."""
    return {
        "label": f"write {counter}",
        "config": {"counter": counter, "filling": [counter] * 50, "last": str(counter)},
        "metadata": {"counter": counter},
    }


def counter_of(connection: dict[str, Any]) -> int:
    """The number that all the parts agree on."""
    if not connection["label"].startswith("write "):
        assert connection["config"] == {}, connection
        return 0
    counter = int(connection["label"].removeprefix("write "))
    assert {name: connection[name] for name in ("label", "config", "metadata")} == content(counter), "torn"
    return counter


class Writers:
    """One thread for each connection, which writes as fast as it is answered, until the server is gone."""

    def __init__(self, server: Server, key: str, ledgers: list[Ledger]):
        self._server = server
        self._key = key
        self._ledgers = ledgers
        self._progress = threading.Condition()
        self._total = 0
        self._stopping = threading.Event()
        self.unexpected: list[str] = []
        self._threads = [threading.Thread(target=self._write, args=(ledger,)) for ledger in ledgers]

    @staticmethod
    def connections(client: httpx.Client, count: int) -> list[Ledger]:
        return [Ledger(create_custom(client, label="new")["id"]) for _ in range(count)]

    def start(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def await_acknowledged(self, total: int) -> None:
        """Returns when this many writes have been acknowledged to all writers together."""
        with self._progress:
            reached = self._progress.wait_for(lambda: self._total >= total or bool(self.unexpected), PATIENCE)
        assert reached and not self.unexpected, (self._total, self.unexpected[:3])

    def join(self, stop: bool = False) -> None:
        """Waits for the writers, which end when the server is gone or `stop` tells them to."""
        if stop:
            self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert not self.unexpected, self.unexpected[:3]

    def _write(self, ledger: Ledger) -> None:
        with contextlib.suppress(httpx.TransportError), self._server.client(self._key) as client:
            while not self._stopping.is_set():
                ledger.sent += 1
                answer = client.put(f"{CONNECTIONS}/{ledger.connection}", json=content(ledger.sent))
                with self._progress:
                    if answer.status_code == 200:
                        ledger.acknowledged = ledger.sent
                        self._total += 1
                    else:
                        self.unexpected.append(f"{answer.status_code} {answer.text}")
                        self._stopping.set()
                    self._progress.notify_all()
