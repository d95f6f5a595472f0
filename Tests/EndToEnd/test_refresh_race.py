"""Five hundred readers of one expired token, and a provider that kills a grant whose refresh token comes twice."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.api import CONNECTIONS
from support.crowd import Told, post_all_at_once
from support.oauth import REFRESH, access_token, connection, connection_ids, read_token, refresh, register_app
from support.oauth_fixtures import OwnServer
from support.provider import Provider
from support.simulator import Simulator


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    made = Simulator(tmp_path)
    yield made
    made.stop()


def all_at_once(own: OwnServer, paths: list[str]) -> list[Told]:
    return post_all_at_once(own.server, own.tenant.key, paths)


def token_path(connection_id: str) -> str:
    return f"{CONNECTIONS}/{connection_id}/token"


def tokens_of(answers: list[Told]) -> list[dict[str, Any]]:
    refused = [answer for answer in answers if answer.status != 200]
    assert not refused, f"{len(refused)} of {len(answers)} were refused: {refused[0]}"
    dead = [answer.body for answer in answers if "access_token" not in answer.body]
    assert not dead, f"{len(dead)} of {len(answers)} readers were given no token: {dead[0]}"
    return [answer.body for answer in answers]


class TestOneConnection:
    @pytest.mark.parametrize("modes", ["rotate", "rotate+slow_60"])
    def test_500_readers(self, own_server: OwnServer, tmp_path: Path, modes: str) -> None:
        """With the token endpoint as fast as it is, and with one that keeps all of them waiting."""
        simulator = Simulator(tmp_path, "--slow-seconds", "1")
        try:
            client = own_server.tenant.client
            made = simulator.connect(own_server.tenant, simulator.app(own_server.tenant, modes), "alice")
            before = access_token(client, made)
            # Both clocks: the token is as dead for the provider as for us.
            own_server.clock.advance(hours=2)
            simulator.advance(7200)
            assert simulator.who(before) is None
            spent = simulator.stats()

            told = tokens_of(all_at_once(own_server, [token_path(made)] * 500))
            now = simulator.stats()
            assert now["refreshes_seen"] - spent["refreshes_seen"] == 1, "more than one grant was spent"
            assert now["refresh_token_replays"] == now["families_killed"] == 0
            assert {each["access_token"] for each in told} == {access_token(client, made)} != {before}
            assert simulator.who(told[0]["access_token"]) == "alice"
            assert connection(client, made)["status"] == "active"
        finally:
            simulator.stop()

    def test_forced_and_read_together(self, own_server: OwnServer, simulator: Simulator) -> None:
        """Refreshes that are asked for by name, among readers, while the token expires again and again."""
        client = own_server.tenant.client
        made = simulator.connect(own_server.tenant, simulator.app(own_server.tenant, "rotate"), "alice")
        mixed = [f"{REFRESH}/{made}" if number % 4 == 0 else token_path(made) for number in range(100)]
        for _ in range(3):
            own_server.clock.advance(hours=2)
            simulator.advance(7200)
            answers = all_at_once(own_server, mixed)
            assert Counter(answer.status for answer in answers) == {200: 100}
            assert simulator.who(access_token(client, made)) == "alice"
        stats = simulator.stats()
        assert stats["refresh_token_replays"] == stats["families_killed"] == 0
        assert connection(client, made)["status"] == "active"

    def test_with_a_server_that_others_wrote(self, own_server: OwnServer, provider: Provider) -> None:
        client = own_server.tenant.client
        app = register_app(own_server.tenant, provider)
        made = app.connect()
        app.registration.change(delay=0.3)
        own_server.clock.advance(hours=2)
        told = tokens_of(all_at_once(own_server, [token_path(made)] * 60))
        refreshes = app.registration.asked("token", "refresh_token")
        assert [asked["status"] for asked in refreshes] == [200], refreshes
        assert len({each["access_token"] for each in told}) == 1
        assert provider.who(told[0]["access_token"]) == "alice"
        assert connection(client, made)["status"] == "active"


class TestManyConnections:
    def test_each_is_spent_once(self, own_server: OwnServer, simulator: Simulator) -> None:
        client = own_server.tenant.client
        app = simulator.app(own_server.tenant, "rotate")
        made = [simulator.connect(own_server.tenant, app, f"user-{number}") for number in range(20)]
        own_server.clock.advance(hours=2)
        simulator.advance(7200)
        before = simulator.stats()
        told = tokens_of(all_at_once(own_server, [token_path(each) for each in made] * 10))
        stats = simulator.stats()
        assert stats["refreshes_seen"] - before["refreshes_seen"] == len(made)
        assert stats["refresh_token_replays"] == stats["families_killed"] == 0
        assert stats["live_grants"] == len(made)
        assert len({each["access_token"] for each in told}) == len(made)
        for number, each in enumerate(made):
            assert simulator.who(access_token(client, each)) == f"user-{number}"
        assert len(connection_ids(client)) == len(made)

    def test_an_answer_that_got_lost(self, own_server: OwnServer, simulator: Simulator) -> None:
        """Spent, and nobody was told: with a grace the second try heals, without one the truth is told."""
        client = own_server.tenant.client
        forgiving = simulator.connect(
            own_server.tenant, simulator.app(own_server.tenant, "rotate_grace+lost_answer_once"), "alice"
        )
        strict = simulator.connect(
            own_server.tenant, simulator.app(own_server.tenant, "rotate+lost_answer_once"), "bob"
        )
        old = {each: access_token(client, each) for each in (forgiving, strict)}
        for each in (forgiving, strict):
            lost = refresh(client, each)
            assert (lost.status_code, lost.json()["error_code"]) == (502, "refresh_outcome_unknown"), lost.text
            # Nothing has expired, so the old token is good, and it is said to be.
            assert access_token(client, each) == old[each] and simulator.who(old[each]) is not None
            assert connection(client, each)["status"] == "active"

        # Only our clock: within the grace as the provider sees it. Backoff and lease are over.
        own_server.clock.advance(hours=2)
        healed = access_token(client, forgiving)
        assert simulator.who(healed) == "alice" and connection(client, forgiving)["status"] == "active"
        told = read_token(client, strict).json()
        assert (told.get("active"), told.get("error")) == (False, "needs_reauthorization"), told
        assert connection(client, strict)["status"] == "expired"
        stats = simulator.stats()
        # Once more, and never a third time.
        for _ in range(3):
            read_token(client, strict)
        assert simulator.stats()["refresh_token_replays"] == stats["refresh_token_replays"] == 2
