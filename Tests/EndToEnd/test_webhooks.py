"""Events delivered to a URL: signed, at least once, whatever the receiver does and whenever the server dies."""

import base64
import random
import threading
import time
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest
from standardwebhooks import WebhookVerificationError

from support.api import CONNECTIONS, WORKSPACES, Tenant, create_custom, create_key, make_tenant, ok
from support.canary import Nest
from support.oauth_fixtures import OwnServer
from support.receiver import (
    WEBHOOKS,
    Answer,
    Message,
    Receiver,
    all_events,
    create_webhook,
    deliveries,
    delivery,
    read_webhook,
)
from support.server import PATIENCE, wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def client(oauth_tenant: Tenant) -> httpx.Client:
    """Of a server that may reach this machine."""
    return oauth_tenant.client


def touch(client: httpx.Client, connection: dict, count: int = 1) -> None:
    for number in range(count):
        ok(client.put(f"{CONNECTIONS}/{connection['id']}", json={"label": f"Changed {number}"}))


def ids(client: httpx.Client, **query: str) -> list[str]:
    return [event["id"] for event in all_events(client, **query)]


class TestMessages:
    def test_each_is_signed_and_says_what_the_list_says(self, client: httpx.Client, receiver: Receiver) -> None:
        webhook = create_webhook(client, receiver)
        connection = create_custom(client)
        touch(client, connection, 3)
        ok(client.put(f"{CONNECTIONS}/{connection['id']}", json={"status": "error"}))
        ok(client.delete(f"{CONNECTIONS}/{connection['id']}"))
        events = all_events(client)
        assert [event["type"] for event in events] == [
            "connection.created",
            *["connection.updated"] * 3,
            "connection.status_changed",
            "connection.deleted",
        ]
        receiver.wait_for(event["id"] for event in events)
        for event in events:
            [message] = receiver.of(event["id"])
            assert message.verify(webhook["secret"]) == event
            assert message.headers["content-type"] == "application/json"
            assert event["data"]["connection_id"] == connection["id"]
        # Side by side they may overtake each other, and the sequence puts them in order again.
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))

    def test_one_that_was_changed_is_not_taken(self, client: httpx.Client, receiver: Receiver) -> None:
        webhook = create_webhook(client, receiver)
        other = create_webhook(client, receiver, events=["app.failing"])
        create_custom(client)
        receiver.wait_for_count(1)
        message = receiver.messages[0]
        message.verify(webhook["secret"])
        changed = Message(message.path, message.headers, message.raw.replace(b"created", b"deleted"))
        renamed = Message(message.path, {**message.headers, "webhook-id": "evt_1"}, message.raw)
        for forged, secret in ((changed, webhook["secret"]), (renamed, webhook["secret"]), (message, other["secret"])):
            with pytest.raises(WebhookVerificationError):
                forged.verify(secret)

    def test_only_what_is_wanted_comes(self, client: httpx.Client, receiver: Receiver) -> None:
        create_webhook(client, receiver, events=["connection.deleted", "app.*"])
        connection = create_custom(client)
        touch(client, connection)
        ok(client.delete(f"{CONNECTIONS}/{connection['id']}"))
        receiver.wait_for(ids(client, type="connection.deleted"))
        assert {message.type for message in receiver.messages} == {"connection.deleted"}

    def test_a_workspace_hears_of_nobody_else(
        self, oauth_tenant: Tenant, own_server: OwnServer, receiver: Receiver
    ) -> None:
        client = own_server.tenant.client
        create_webhook(client, receiver)
        stranger = make_tenant(own_server.server, "stranger")
        with stranger.client as theirs:
            create_custom(theirs)
            create_custom(client)
            receiver.wait_for(ids(client))
            assert set(receiver.ids) == set(ids(client))

    def test_a_test_message_tells_at_once(self, client: httpx.Client, receiver: Receiver) -> None:
        webhook = create_webhook(client, receiver)
        told = ok(client.post(f"{WEBHOOKS}/{webhook['id']}/test"))
        assert (told["delivered"], told["status"], told["error"]) == (True, 204, None)
        [message] = receiver.messages
        assert message.verify(webhook["secret"])["type"] == "webhook.test"
        receiver.answer = lambda _: Answer(500)
        told = ok(client.post(f"{WEBHOOKS}/{webhook['id']}/test"))
        assert (told["delivered"], told["status"], told["error"]) == (False, 500, "http_500")
        receiver.stop()
        told = ok(client.post(f"{WEBHOOKS}/{webhook['id']}/test"))
        assert (told["delivered"], told["status"]) == (False, None)
        assert told["error"] in ("connect_failed", "connection_lost")
        # It is no event of the workspace.
        assert ids(client) == []
        assert deliveries(client, webhook) == []


class TestSecrets:
    def test_both_sign_during_a_rotation(self, own_server: OwnServer, receiver: Receiver) -> None:
        client = own_server.tenant.client
        webhook = create_webhook(client, receiver)
        old = webhook["secret"]
        rotated = ok(client.post(f"{WEBHOOKS}/{webhook['id']}/rotate-secret", json={"overlap_seconds": 3600}))
        new = rotated["secret"]
        connection = create_custom(client)
        receiver.wait_for_count(1)
        for secret in (old, new):
            receiver.messages[0].verify(secret)
        own_server.clock.advance(hours=2)
        touch(client, connection)
        receiver.wait_for_count(2)
        assert receiver.messages[1].is_signed_with(new)
        assert not receiver.messages[1].is_signed_with(old)

    def test_they_are_shown_once_and_lie_nowhere(self, own_server: OwnServer, receiver: Receiver) -> None:
        client = own_server.tenant.client
        webhook = create_webhook(client, receiver)
        secrets = [webhook["secret"]]
        secrets.append(ok(client.post(f"{WEBHOOKS}/{webhook['id']}/rotate-secret"))["secret"])
        receiver.answer = lambda _: Answer(500)
        connection = create_custom(client)
        receiver.wait_for_count(1)
        touch(client, connection)
        receiver.wait_for_count(2)
        shown = [client.get(path).content for path in (WEBHOOKS, f"{WEBHOOKS}/{webhook['id']}")]
        shown += [client.put(f"{WEBHOOKS}/{webhook['id']}", json={"label": "x"}).content]
        shown += [client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries").content]
        own_server.server.stop()
        nest = Nest()
        for secret in secrets:
            nest.plant("a webhook's secret", secret.removeprefix("whsec_"))
            nest.plant("a webhook's key", base64.b64decode(secret.removeprefix("whsec_")))
        sights = nest.found_under(own_server.server.folder)
        sights += [sight for content in shown for sight in nest.found_in("an answer", content)]
        assert sights == []


class TestFailing:
    def test_a_failing_event_is_tried_again_and_holds_up_nobody(
        self, own_server: OwnServer, receiver: Receiver
    ) -> None:
        client = own_server.tenant.client
        webhook = create_webhook(client, receiver)
        connection = create_custom(client)
        receiver.wait_for_count(1)
        failing: set[str] = set()

        def answer(message: Message) -> Answer:
            if not failing:
                failing.add(message.id)
            return Answer(500 if message.id in failing else 200)

        receiver.answer = answer
        touch(client, connection, 20)
        receiver.wait_for(ids(client))
        [event] = failing
        row = wait_until(lambda: delivery(client, webhook, event), "the row")
        assert (row["state"], row["attempts"], row["last_status"]) == ("pending", 1, 500)
        assert all(row["state"] == "delivered" for row in deliveries(client, webhook) if row["id"] != event)
        receiver.answer = lambda _: Answer()
        own_server.clock.advance(minutes=1)
        wait_until(lambda: len(receiver.of(event)) >= 2, "the second attempt")
        first, second = receiver.of(event)[:2]
        assert first.raw == second.raw
        wait_until(lambda: (delivery(client, webhook, event) or {})["state"] == "delivered", "its row")
        assert (delivery(client, webhook, event) or {})["attempts"] == 2

    def test_a_slow_one_holds_up_nobody(self, client: httpx.Client, receiver: Receiver) -> None:
        webhook = create_webhook(client, receiver)
        connection = create_custom(client)
        receiver.wait_for_count(1)
        slow: set[str] = set()
        release = threading.Event()

        def answer(message: Message) -> Answer:
            if not slow:
                slow.add(message.id)
            if message.id in slow:
                release.wait(10)
            return Answer()

        receiver.answer = answer
        touch(client, connection, 40)
        wanted = ids(client)
        receiver.wait_for(wanted)
        wait_until(lambda: len(deliveries(client, webhook, state="delivered")) == len(wanted) - 1, "the rows of the others")
        release.set()
        wait_until(lambda: len(deliveries(client, webhook, state="delivered")) == len(wanted), "the row of the slow one")

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (Answer(500), "http_500"),
            (Answer(404), "http_404"),
            (Answer(301, {"Location": "/elsewhere"}), "redirect"),
            (Answer(307, {"Location": "http://169.254.169.254/latest/"}), "redirect"),
            (Answer(resets=True), "connection_lost"),
        ],
        ids=["500", "404", "a redirect", "a redirect to metadata", "a reset"],
    )
    def test_what_is_not_a_success_is_a_failure(
        self, client: httpx.Client, receiver: Receiver, answer: Answer, error: str
    ) -> None:
        webhook = create_webhook(client, receiver)
        receiver.answer = lambda _: answer
        create_custom(client)
        [row] = wait_until(lambda: deliveries(client, webhook, state="pending"), "the row")
        assert row["last_error"] == error
        assert row["next_attempt_at"] is not None
        # No redirect is followed.
        assert {message.path for message in receiver.messages} == {"/hook"}
        assert read_webhook(client, webhook)["failures"] == 1

    def test_a_receiver_that_was_away_gets_everything(self, own_server: OwnServer, receiver: Receiver) -> None:
        client = own_server.tenant.client
        webhook = create_webhook(client, receiver)
        connection = create_custom(client)
        receiver.wait_for_count(1)
        receiver.stop()
        touch(client, connection, 120)
        wait_until(lambda: read_webhook(client, webhook)["failures"] >= 5, "failures")
        time.sleep(1)
        # The backlog waits, and costs a handful of attempts and rows.
        assert len(deliveries(client, webhook)) < 60
        own_server.clock.advance(hours=3)
        time.sleep(3)
        assert len(deliveries(client, webhook)) < 60
        receiver.start()
        own_server.clock.advance(hours=1)
        receiver.wait_for(ids(client))
        wait_until(lambda: not deliveries(client, webhook, state="pending"), "every row")
        healed = read_webhook(client, webhook)
        assert (healed["failures"], healed["failing_since"], healed["status"]) == (0, None, "active")

    def test_retry_after_is_heeded(self, own_server: OwnServer, receiver: Receiver) -> None:
        client = own_server.tenant.client
        create_webhook(client, receiver)
        receiver.answer = lambda _: Answer(429, {"Retry-After": "600"})
        connection = create_custom(client)
        receiver.wait_for_count(1)
        receiver.answer = lambda _: Answer()
        touch(client, connection, 5)
        own_server.clock.advance(minutes=9)
        assert receiver.stays_silent(3)
        own_server.clock.advance(minutes=2)
        receiver.wait_for(ids(client))


class TestGivingUp:
    def test_410_disables_at_once_and_nothing_is_lost(self, own_server: OwnServer, receiver: Receiver) -> None:
        client = own_server.tenant.client
        webhook = create_webhook(client, receiver, events=["connection.*"])
        receiver.answer = lambda _: Answer(410)
        connection = create_custom(client)
        wait_until(lambda: read_webhook(client, webhook)["status"] == "inactive", "the end")
        assert read_webhook(client, webhook)["disabled"]["reason"] == "gone"
        [event] = all_events(client, type="webhook.disabled")
        assert event["data"]["webhook_id"] == webhook["id"]
        assert event["data"]["reason_code"] == "gone"
        receiver.answer = lambda _: Answer()
        receiver.messages.clear()
        touch(client, connection, 3)
        own_server.clock.advance(hours=30)
        assert receiver.stays_silent(3)
        refused = client.post(f"{WEBHOOKS}/{webhook['id']}/replay")
        assert (refused.status_code, refused.json()["error_code"]) == (409, "webhook_inactive")
        told = ok(client.put(f"{WEBHOOKS}/{webhook['id']}", json={"status": "active"}))
        assert told["disabled"] is None
        receiver.wait_for(ids(client, type="connection.*"))

    def test_five_days_of_failing_disable(self, own_server: OwnServer, receiver: Receiver) -> None:
        client = own_server.tenant.client
        webhook = create_webhook(client, receiver, events=["connection.*"])
        receiver.answer = lambda _: Answer(500)
        connection = create_custom(client)
        touch(client, connection, 30)
        while (count := read_webhook(client, webhook)["failures"]) < 10:
            wait_until(lambda: read_webhook(client, webhook)["failures"] > count, "the next attempt")
            own_server.clock.advance(minutes=15)
        own_server.clock.advance(hours=5 * 24 - 6)
        count = read_webhook(client, webhook)["failures"]
        wait_until(lambda: read_webhook(client, webhook)["failures"] > count, "the next attempt")
        assert read_webhook(client, webhook)["status"] == "active"
        own_server.clock.advance(hours=7)
        wait_until(lambda: read_webhook(client, webhook)["status"] == "inactive", "the end")
        assert read_webhook(client, webhook)["disabled"]["reason"] == "failing"
        assert len(all_events(client, type="webhook.disabled")) == 1

    def test_dead_letters_are_listed_and_replayed(self, own_server: OwnServer, receiver: Receiver) -> None:
        client = own_server.tenant.client
        webhook = create_webhook(client, receiver)
        receiver.answer = lambda _: Answer(500)
        create_custom(client)
        [event] = ids(client)
        for attempt in range(1, 14):
            row = wait_until(
                lambda: next((row for row in deliveries(client, webhook) if row["attempts"] >= attempt), None),
                f"attempt {attempt}",
            )
            if row["next_attempt_at"] is not None:
                ahead = datetime.fromisoformat(row["next_attempt_at"]) - own_server.clock.now()
                own_server.clock.advance(seconds=max(1, int(ahead.total_seconds()) + 1))
        assert (row["state"], row["attempts"], row["last_error"]) == ("dead", 13, "http_500")
        assert row["finished_at"] is not None
        assert [row["id"] for row in deliveries(client, webhook, state="dead")] == [event]
        receiver.answer = lambda _: Answer()
        receiver.messages.clear()
        assert ok(client.post(f"{WEBHOOKS}/{webhook['id']}/replay"))["requeued"] == 1
        own_server.clock.advance(hours=1)
        receiver.wait_for([event])
        wait_until(lambda: not deliveries(client, webhook, state="dead"), "no dead one")


class TestReplaying:
    def test_one_and_all_from_one_on(self, client: httpx.Client, receiver: Receiver) -> None:
        webhook = create_webhook(client, receiver)
        connection = create_custom(client)
        touch(client, connection, 9)
        events = ids(client)
        receiver.wait_for(events)
        wait_until(lambda: len(deliveries(client, webhook, state="delivered")) == 10, "all rows")
        receiver.messages.clear()
        ok(client.post(f"{WEBHOOKS}/{webhook['id']}/deliveries/{events[4]}/replay"))
        receiver.wait_for([events[4]])
        receiver.messages.clear()
        ok(client.post(f"{WEBHOOKS}/{webhook['id']}/replay", json={"from_event": events[7]}))
        receiver.wait_for(events[7:])
        assert receiver.stays_silent(0.5)
        assert set(receiver.ids) == set(events[7:])

    def test_pages_of_deliveries_miss_nothing(self, client: httpx.Client, receiver: Receiver) -> None:
        webhook = create_webhook(client, receiver)
        connection = create_custom(client)
        touch(client, connection, 24)
        events = ids(client)
        wait_until(lambda: len(deliveries(client, webhook)) == 25, "all rows")
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = ok(client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries", params={"limit": 7, **cursor}))
            seen += [row["id"] for row in page["deliveries"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == sorted(events, reverse=True)


class TestTheEnd:
    def test_what_is_deleted_hears_nothing_more(self, own_server: OwnServer, receiver: Receiver) -> None:
        client = own_server.tenant.client
        webhook = create_webhook(client, receiver)
        connection = create_custom(client)
        receiver.wait_for_count(1)
        ok(client.delete(f"{WEBHOOKS}/{webhook['id']}"))
        touch(client, connection)
        assert receiver.stays_silent(2)

    def test_a_workspace_takes_its_webhooks_along(self, own_server: OwnServer, receiver: Receiver) -> None:
        tenant = own_server.tenant
        webhook = create_webhook(tenant.client, receiver)
        receiver.answer = lambda _: Answer(500)
        create_custom(tenant.client)
        receiver.wait_for_count(1)
        with own_server.server.admin() as admin:
            ok(admin.delete(f"{WORKSPACES}/{tenant.workspace}", params={"force": "true"}))
        receiver.messages.clear()
        own_server.clock.advance(hours=48)
        assert receiver.stays_silent(3)
        own_server.server.stop()
        store = own_server.server.database().read_bytes()
        assert webhook["id"].encode() not in store
        assert receiver.url.encode() not in store

    def test_a_paused_copy_sends_nothing(self, own_server: OwnServer, receiver: Receiver) -> None:
        """What a restored store still has to tell was told by the original."""
        server, tenant = own_server.server, own_server.tenant
        create_webhook(tenant.client, receiver)
        receiver.stop()
        create_custom(tenant.client)
        server.stop()
        # The epoch beside the store is what a copy has not.
        for path in server.data.glob("*epoch*"):
            path.unlink()
        receiver.start()
        server.start()
        with server.client() as probe:
            assert probe.get("/health/ready").json()["paused"] is True
        own_server.clock.advance(hours=1)
        assert receiver.stays_silent(4)
        assert receiver.messages == []


class TestDying:
    def test_kill_9_in_the_middle_loses_nothing(self, own_server: OwnServer, receiver: Receiver) -> None:
        """Again and again, while events come and go: each arrives at least once, and signed."""
        server, tenant = own_server.server, own_server.tenant
        webhook = create_webhook(tenant.client, receiver)
        receiver.answer = lambda _: (time.sleep(random.uniform(0, 0.02)), Answer())[1]
        connections = [create_custom(tenant.client)["id"] for _ in range(4)]
        acknowledged = 0
        for _ in range(4):
            stop = threading.Event()
            counts = [0] * len(connections)

            def write(place: int, stop: threading.Event = stop, counts: list[int] = counts) -> None:
                with server.client(tenant.key) as client:
                    while not stop.is_set():
                        try:
                            ok(client.put(f"{CONNECTIONS}/{connections[place]}", json={"label": str(random.random())}))
                        except httpx.TransportError:
                            return
                        counts[place] += 1

            writers = [threading.Thread(target=write, args=(place,)) for place in range(len(connections))]
            for writer in writers:
                writer.start()
            time.sleep(random.uniform(0.3, 0.9))
            server.kill()
            stop.set()
            for writer in writers:
                writer.join(PATIENCE)
            acknowledged += sum(counts)
            server.start()
        with server.client(tenant.key) as client:
            events = ids(client)
            assert len(events) >= acknowledged + len(connections)
            receiver.wait_for(events)
            wait_until(lambda: not deliveries(client, webhook, state="pending"), "every row")
            assert read_webhook(client, webhook)["status"] == "active"
        assert set(receiver.ids) == set(events)
        for message in list(receiver.messages):
            message.verify(webhook["secret"])
        again = sum(receiver.ids.values()) - len(events)
        print(f"{len(events)} events, {again} of them came again after a kill")

    def test_an_orderly_end_repeats_nothing(self, own_server: OwnServer, receiver: Receiver) -> None:
        server, tenant = own_server.server, own_server.tenant
        create_webhook(tenant.client, receiver)
        receiver.answer = lambda _: (time.sleep(0.05), Answer())[1]
        connection = create_custom(tenant.client)
        touch(tenant.client, connection, 60)
        assert server.stop() == 0
        server.start()
        with server.client(tenant.key) as client:
            events = ids(client)
            receiver.wait_for(events)
            assert receiver.stays_silent(0.5)
        assert set(receiver.ids.values()) == {1}


class TestWhoMay:
    def test_admins_write_and_readers_read(self, oauth_tenant: Tenant, receiver: Receiver) -> None:
        webhook = create_webhook(oauth_tenant.client, receiver)
        key = create_key(oauth_tenant.client, permissions=["read"])
        reader = {"Authorization": f"Bearer {key['secret']}"}
        path = f"{WEBHOOKS}/{webhook['id']}"
        for place in (WEBHOOKS, path, f"{path}/deliveries"):
            ok(oauth_tenant.client.get(place, headers=reader))
        for method, place in (
            ("POST", WEBHOOKS),
            ("PUT", path),
            ("DELETE", path),
            ("POST", f"{path}/test"),
            ("POST", f"{path}/rotate-secret"),
            ("POST", f"{path}/replay"),
        ):
            assert oauth_tenant.client.request(method, place, headers=reader).status_code == 403
