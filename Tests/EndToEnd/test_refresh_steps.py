"""kill -9 at every step of a refresh, by name: what was lost, and whether it was told truthfully.

No part of the product knows of this. strace puts SIGKILL in the place of the system call that a step is made of, and
the provider's token endpoint stands behind a relay that stops where it is told to. Each kill takes one refresh of one
connection; the server is started again on what it left, and what the connection says of itself is compared with what
the provider's books say of its grant.

By default 2 kills at each step for each kind of provider. For 100 each, which takes about ten minutes, with the numbers
printed:

    PATCHBAY_KILLS=100 .venv/bin/python -m pytest Tests/EndToEnd/test_refresh_steps.py -rP
"""

import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.api import CONNECTIONS, ok
from support.oauth import APPS, connection, read_token, refresh
from support.oauth_fixtures import OwnServer
from support.relay import Relay
from support.server import PATIENCE, Server, wait_until
from support.simulator import Simulator
from support.trap import Landing, Trap, landing

KILLS = int(os.environ.get("PATCHBAY_KILLS", "2"))
# So many are shot before the survivors are judged: well within the provider's grace of 30 s.
BATCH = 8


@dataclass(frozen=True)
class Step:
    name: str
    # Where the relay holds the request when the shot falls, or when the trap is set.
    hold: str | None = None
    # The system call that becomes the end; None where the kill comes from outside, at the hold.
    call: str | None = None
    # None for one right after the writes of the answer, which are as many as last time, or a page more.
    nth: int | None = 1
    # What the log has to show for the shot to have landed here: so many commits before, and whether this one is begun.
    lands: tuple[int, bool | None] | None = None
    # The provider has spent the refresh token, and nothing here knows its successor.
    is_gap: bool = False


# In the order in which a refresh takes them.
STEPS = [
    Step("intent not written", call="pwrite64", lands=(0, False)),
    Step("intent written, not synced", call="fdatasync", lands=(0, True)),
    Step("intent kept, request not sent", call="connect"),
    Step("request sent, not read by the provider", hold="unread"),
    Step("token spent, no answer yet", hold="unanswered", is_gap=True),
    Step("answered, answer not written", hold="unanswered", call="pwrite64", lands=(0, False), is_gap=True),
    Step("answer written, not synced", hold="unanswered", call="fdatasync", lands=(0, True)),
    Step("new generation not written", hold="unanswered", call="pwrite64", nth=None, lands=(1, None)),
    Step("new generation written, not synced", hold="unanswered", call="fdatasync", nth=2, lands=(1, True)),
]


@dataclass
class Subject:
    """One connection in the line of fire, and the token by which the provider knows its grant for ever."""

    login: str
    connection: str
    first_refresh_token: str
    access_token: str


@dataclass
class Tally:
    landed: int = 0
    lost: int = 0
    elsewhere: int = 0
    wrong: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


class Stage:
    def __init__(self, own: OwnServer, simulator: Simulator, relay: Relay, modes: str, folder: Path) -> None:
        self.own, self.simulator, self.relay, self.modes, self.folder = own, simulator, relay, modes, folder
        # In the commit of an answer.
        self._writes = 0
        self._config = {
            "base_url": f"{simulator.url}/api",
            "authorize_url": f"{simulator.url}/authorize",
            "token_url": f"{relay.url}/token",
        }
        body = {"integration": "oauth2", "client_id": f"simulator--{modes}", "client_secret": simulator.CLIENT_SECRET}
        ok(own.tenant.client.post(APPS, json={**body, "config": self._config}))

    @property
    def server(self) -> Server:
        return self.own.server

    def client(self) -> httpx.Client:
        # A new one for every life of the server.
        return self.server.client(self.own.tenant.key)

    def subjects(self, count: int) -> list[Subject]:
        made = []
        with self.client() as client:
            for grant in self.simulator.grants(count, self.modes):
                expires = self.own.clock.now().timestamp() + grant["expires_in"]
                body = {
                    "integration": "oauth2",
                    "integration_type": "api",
                    "auth_method_id": "oauth2",
                    "credentials": {
                        "access_token": grant["access_token"],
                        "refresh_token": grant["refresh_token"],
                        "expires_at": str(int(expires)),
                    },
                    "config": self._config,
                }
                read = ok(client.post(CONNECTIONS, json=body))
                made.append(Subject(grant["login"], read["id"], grant["refresh_token"], grant["access_token"]))
        return made

    # The shot

    def shoot(self, step: Step, subject: Subject) -> bool:
        """Whether the server died at this very step. It is up again in any case."""
        self.relay.stop_at(step.hold)
        with self.client() as client:
            # Wakes the server up before the trap is set, so that the first commit that is seen is the refresh's.
            ok(client.put(f"{CONNECTIONS}/{subject.connection}", json={"label": "wanted"}))
            output = self.folder / "trap"
            nth = step.nth or self._writes + 1
            trap: Trap | None = None
            if step.call and not step.hold:
                trap = Trap(self.server, step.call, nth, output)
            answers: list[httpx.Response] = []
            asking = threading.Thread(target=_ask, args=(client, subject.connection, answers))
            asking.start()
            if step.hold:
                assert self.relay.reached.wait(PATIENCE), f"the provider was never asked: {answers}"
                if step.call:
                    trap = Trap(self.server, step.call, nth, output)
                    self.relay.release()
                else:
                    self.server.kill()
            landed: Landing | None = trap.await_death() if trap else None
            asking.join(PATIENCE)
            self.relay.release()
        self.relay.stop_at(None)
        if self.server.process is None:
            self.server.start()
            assert not answers, f"the caller was answered {answers[0].status_code} by a server that died"
        if trap is None:
            return True
        if landed is None or landed.call != step.call:
            return False
        if step.hold and landed.commits == 0:
            # A page is two writes, its frame's head and itself.
            self._writes = landed.writes + (0 if step.nth else 2)
        return step.lands is None or (landed.commits == step.lands[0] and step.lands[1] in (landed.writes > 0, None))

    # The verdict

    def peek(self, client: httpx.Client, subject: Subject, tally: Tally) -> None:
        """While the old access token lives."""
        shown = connection(client, subject.connection)["status"]
        answer = read_token(client, subject.connection)
        token = _json(answer).get("access_token")
        if shown != "active" or token is None or self.simulator.who(token) != subject.login:
            tally.wrong.append(f"its access token lives, but it is {shown} and was answered {_said(answer)}")

    def look(self, client: httpx.Client, step: Step, subject: Subject, tally: Tally) -> None:
        """After it has ended."""
        answer = read_token(client, subject.connection)
        told = _json(answer)
        shown = connection(client, subject.connection)["status"]
        grant = self.simulator.family(subject.first_refresh_token)
        if token := told.get("access_token"):
            # The grant behind it counts, not only the token: once more from the refresh token that is kept now.
            again = refresh(client, subject.connection)
            works = self.simulator.who(token) == subject.login and again.is_success
            if not works or shown != "active" or not grant["alive"]:
                tally.wrong.append(f"a token was given, status {shown}, and the provider says {grant}, {_said(again)}")
            return
        tally.lost += 1
        tally.reasons[told.get("reason", "")] += 1
        if (told.get("active"), told.get("error"), shown) != (False, "needs_reauthorization", "expired"):
            tally.wrong.append(f"lost, but its status is {shown} and it says {_said(answer)}")
        if told.get("reason") != "refresh_outcome_unknown":
            tally.wrong.append(f"lost for another reason than the crash: {_said(answer)}")
        if grant["alive"]:
            tally.wrong.append(f"given up although the provider says {grant}")
        if not step.is_gap or "grace" in self.modes:
            tally.wrong.append(f"lost at a step where nothing may be lost: {grant}")

    def clear(self, subjects: list[Subject]) -> None:
        """Nothing of the old ones comes due while the next are shot."""
        with self.client() as client:
            for subject in subjects:
                ok(client.delete(f"{CONNECTIONS}/{subject.connection}"))


def _ask(client: httpx.Client, connection_id: str, answers: list[httpx.Response]) -> None:
    try:
        answers.append(refresh(client, connection_id))
    except httpx.TransportError:
        return


def _json(answer: httpx.Response) -> dict[str, Any]:
    return answer.json() if answer.is_success else {}


def _said(answer: httpx.Response) -> str:
    return f"{answer.status_code} {'a token' if 'access_token' in answer.text else answer.text}"


# The test


@pytest.fixture
def may_attach(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        strace = subprocess.Popen(
            ["strace", "-o", str(tmp_path / "probe"), "-p", str(sleeper.pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_until(lambda: _traced(sleeper.pid) or strace.poll() is not None, "strace attaches or gives up")
            if strace.poll() is not None:
                said = strace.stderr.read() if strace.stderr else ""
                pytest.skip(f"this machine does not let us trace what runs: {said.strip()}")
        finally:
            sleeper.kill()
            strace.wait(PATIENCE)
            if strace.stderr:
                strace.stderr.close()


def _traced(pid: int) -> bool:
    return "\nTracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    made = Simulator(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def relay(simulator: Simulator) -> Iterator[Relay]:
    made = Relay(simulator.url)
    yield made
    made.close()


@pytest.mark.parametrize("modes", ["rotate", "rotate_grace"])
def test_kills_at_every_step(
    may_attach: None, own_server: OwnServer, simulator: Simulator, relay: Relay, modes: str, tmp_path: Path
) -> None:
    """With a provider that ends the grant when an old refresh token comes again, and with one that forgives it."""
    stage = Stage(own_server, simulator, relay, modes, tmp_path)
    tallies: dict[str, Tally] = {}
    for step in STEPS:
        tally = tallies[step.name] = Tally()
        while tally.landed < KILLS:
            assert tally.elsewhere <= KILLS + 5, f"the shots at '{step.name}' go elsewhere: {tally}"
            subjects = stage.subjects(min(BATCH, KILLS - tally.landed))
            hit = []
            for subject in subjects:
                landed = stage.shoot(step, subject)
                hit += [subject] if landed else []
                tally.elsewhere += not landed
            tally.landed += len(hit)
            with stage.client() as client:
                for subject in hit[::2]:
                    stage.peek(client, subject, tally)
                # By our clock only: tokens, leases and backoff are over, and the provider's grace is not.
                own_server.clock.advance(hours=2)
                for subject in hit:
                    stage.look(client, step, subject, tally)
            stage.clear(subjects)
        assert not tally.wrong, f"{modes}, '{step.name}':\n" + "\n".join(tally.wrong)
    for name, tally in tallies.items():
        missed = f" ({tally.elsewhere} shots landed elsewhere)" if tally.elsewhere else ""
        print(f"{modes}: {name}: {tally.landed} killed, {tally.lost} lost{missed} {dict(tally.reasons)}")
    stats = simulator.stats()
    # A grant is only ever ended by the one second try that there is to be, and each of those was told.
    assert stats["families_killed"] == sum(tally.lost for tally in tallies.values())


def test_the_log_is_read_right() -> None:
    wal = "5</d/p.db-wal>"
    header = f'7 pwrite64({wal}, "7\\177"..., 32, 0) = 32\n7 fdatasync({wal}) = 0\n'
    frame = f'7 pwrite64({wal}, "\\0\\0"..., 24, 32) = 24\n7 pwrite64({wal}, "\\r)"..., 4096, 56) = 4096\n'
    sync = f"7 fdatasync({wal}) = 0\n"
    died = "8 +++ killed by SIGKILL +++\n7 +++ killed by SIGKILL +++\n"
    at_write = f'7 pwrite64({wal}, "\\0\\0"..., 24, 32) = ?\n' + died
    at_sync = f"7 fdatasync({wal}) = ?\n" + died
    split = f"7 fdatasync({wal} <unfinished ...>\n8 +++ killed by SIGKILL +++\n7 <... fdatasync resumed>) = ?\n"
    assert landing(frame + split) == Landing(0, 2, "fdatasync")
    assert landing(at_write) == Landing(0, 0, "pwrite64")
    assert landing(frame + at_sync) == Landing(0, 2, "fdatasync")
    assert landing(frame + sync + frame + at_sync) == Landing(1, 2, "fdatasync")
    assert landing(header + frame + at_sync) == Landing(0, 2, "fdatasync")
    assert landing(header.splitlines()[0] + "\n" + at_sync) == Landing(0, 0, "fdatasync")
