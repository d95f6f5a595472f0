"""kill -9 at any moment of a refresh, again and again: no connection is said to work when it does not.

By default 20 kills; PATCHBAY_KILLS asks for more. What was lost and why is printed (`-rP` or `-s` shows it).
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from support.oauth import connection, read_token, refresh, token_of
from support.oauth_fixtures import OwnServer
from support.server import PATIENCE, Server
from support.simulator import Simulator

KILLS = int(os.environ.get("PATCHBAY_KILLS", "20"))
# Seconds for which the token endpoint in the mode slow_60 holds an answer that it has already given in its books.
HELD = 0.12
# And how long a refresh takes about, from the first byte to the last, in each mode.
TAKES = {"rotate": 0.025, "rotate+slow_60": HELD * 1.5, "rotate_grace+slow_60": HELD * 1.5}
AT_ONCE = 6


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    made = Simulator(tmp_path, "--slow-seconds", str(HELD))
    yield made
    made.stop()


@dataclass
class Subject:
    """One connection in the line of fire."""

    login: str
    connection: str
    last_token: str
    # All that it has ever given out.
    seen: set[str] = field(default_factory=set)


@dataclass
class Account:
    """What became of those that were hit."""

    hits: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def tell(self, modes: str) -> str:
        shown = ", ".join(f"{count} {what}" for what, count in sorted(self.verdicts.items()))
        return f"{modes}: {self.hits} refreshes were cut off: {shown}"


class Range:
    """A server that is shot while it refreshes, and a provider that remembers everything."""

    def __init__(self, own: OwnServer, simulator: Simulator, modes: str):
        self.own, self.simulator, self.modes = own, simulator, modes
        self.account = Account()
        self._number = 0

    @property
    def server(self) -> Server:
        return self.own.server

    def new_subject(self) -> Subject:
        """With an app of its own, so that what befalls one grant is not taken for trouble of the app."""
        self._number += 1
        login = f"user-{self._number}"
        with self.client() as client:
            tenant = replace(self.own.tenant, client=client)
            made = self.simulator.connect(tenant, self.simulator.app(tenant, self.modes), login)
            token = token_of(client, made)["access_token"]
            return Subject(login, made, token, {token})

    def client(self) -> httpx.Client:
        # A new one for every life of the server.
        return self.server.client(self.own.tenant.key)

    def fire(self, subjects: list[Subject], after: float) -> None:
        """All of them are refreshed at once, and after so many seconds the server is gone."""
        gate = threading.Barrier(len(subjects) + 1)

        def ask(subject: Subject) -> None:
            with self.client() as client:
                client.get("/health/live")
                gate.wait(PATIENCE)
                try:
                    answer = refresh(client, subject.connection)
                except httpx.TransportError:
                    self.account.hits += 1
                    return
                # One that is in doubt from before is left alone for a while.
                assert answer.status_code in (200, 409, 502), f"{answer.status_code} {answer.text}"

        threads = [threading.Thread(target=ask, args=(subject,)) for subject in subjects]
        for thread in threads:
            thread.start()
        gate.wait(PATIENCE)
        time.sleep(after)
        self.server.kill()
        for thread in threads:
            thread.join()

    def judge(self, client: httpx.Client, subject: Subject, expired: bool) -> bool:
        """Whether it may stay in the line. What it says of itself is compared with what the provider says."""
        shown = connection(client, subject.connection)["status"]
        answer = read_token(client, subject.connection)
        told = answer.json()
        if answer.status_code == 200 and "access_token" in told:
            who = self.simulator.who(told["access_token"])
            if who != subject.login:
                self.wrong(subject, f"a token that the provider does not take ({who}) was given, status {shown}")
                return False
            if shown != "active":
                self.wrong(subject, f"its token works, but its status is {shown}")
            if expired and told["access_token"] in subject.seen:
                self.wrong(subject, "an expired token was given out")
            subject.last_token = told["access_token"]
            subject.seen.add(subject.last_token)
            self.account.verdicts["working"] += 1
            return True
        after = connection(client, subject.connection)["status"]
        if answer.status_code == 200 and told.get("error") == "needs_reauthorization":
            if after != "expired":
                self.wrong(subject, f"it needs a new consent, but its status is {after}")
            if "grace" in self.modes:
                self.wrong(subject, "lost, although the provider has a grace")
            if self.simulator.who(subject.last_token) is not None:
                self.wrong(subject, "given up although its access token still works at the provider")
            self.account.verdicts["truthfully expired"] += 1
            return False
        if answer.status_code in (409, 502):
            # In doubt: no token is given, which must not be while the old one is good.
            if not expired:
                self.wrong(subject, f"no token although the old one has not expired: {told}")
            # The provider is well, so whoever blames it must not be able to go on a moment later.
            if (
                told.get("error_code") == "provider_unavailable"
                and "access_token" in read_token(client, subject.connection).text
            ):
                self.wrong(subject, f"the first reader was refused for nothing, the next one was not: {told}")
            self.account.verdicts[f"in doubt ({told.get('error_code')})"] += 1
            return True
        self.wrong(subject, f"{answer.status_code} {told}")
        return False

    def wrong(self, subject: Subject, what: str) -> None:
        self.account.wrong.append(f"{subject.login}: {what}")


@pytest.mark.parametrize("modes", TAKES)
def test_kills_at_random_moments(own_server: OwnServer, simulator: Simulator, modes: str) -> None:
    """Half of the kills are followed by a look while the old token holds, all by one after everything has expired.

    With a quick token endpoint they fall on every step; with one that holds its answers, mostly between the provider's
    act and our commit, which is the one step where a grant can be lost to a provider without a grace.
    """
    stage = Range(own_server, simulator, modes)
    chance = random.Random(3)
    subjects = [stage.new_subject() for _ in range(AT_ONCE)]
    kills = -(-KILLS // len(TAKES))
    for number in range(kills):
        # From before the first byte leaves to after the last answer is in.
        stage.fire(subjects, chance.uniform(0, TAKES[modes]))
        stage.server.start()
        with stage.client() as client:
            if number % 2 == 0:
                alive = [stage.judge(client, subject, expired=False) for subject in subjects]
                subjects = [subject for subject, stays in zip(subjects, alive, strict=True) if stays]
            # Our clock only: tokens, leases and backoff are over here, and the provider's grace is not.
            own_server.clock.advance(hours=2)
            alive = [stage.judge(client, subject, expired=True) for subject in subjects]
        subjects = [subject for subject, stays in zip(subjects, alive, strict=True) if stays]
        subjects += [stage.new_subject() for _ in range(AT_ONCE - len(subjects))]
        assert not stage.account.wrong, f"after kill {number + 1}:\n" + "\n".join(stage.account.wrong)
    print(stage.account.tell(modes))
    assert stage.account.hits > 0, "no kill ever hit a refresh"

    stats = simulator.stats()
    lost = stage.account.verdicts["truthfully expired"]
    if "grace" in modes:
        assert lost == 0 and stats["families_killed"] == 0
    else:
        # A grant is only ever ended by the one second try that there is to be, and each of those was told.
        assert stats["families_killed"] == lost
        assert stats["refresh_token_replays"] <= lost, "a spent refresh token was presented more than once"


def test_killed_before_anything_was_sent(own_server: OwnServer, simulator: Simulator) -> None:
    """Started and killed idle, many times: a restart by itself spends nothing."""
    stage = Range(own_server, simulator, "rotate")
    subjects = [stage.new_subject() for _ in range(3)]
    before = simulator.stats()["refreshes_seen"]
    for _ in range(3):
        stage.server.kill()
        stage.server.start()
    with stage.client() as client:
        assert all(stage.judge(client, subject, expired=False) for subject in subjects)
        assert simulator.stats()["refreshes_seen"] == before
        own_server.clock.advance(hours=2)
        assert all(stage.judge(client, subject, expired=True) for subject in subjects)
    assert stage.account.wrong == []
    assert simulator.stats()["refresh_token_replays"] == 0
