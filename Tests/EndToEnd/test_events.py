"""Events as a list and as a stream: in order, complete, and nobody else's."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import pytest

from support.api import CONNECTIONS, KEYS, Tenant, create_custom, create_key, make_tenant, never_an_id, ok
from support.receiver import EVENTS, all_events
from support.server import PATIENCE, Server, wait_until

STREAM = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Sent:
    """One server-sent event."""

    id: str
    type: str
    body: dict


class Stream:
    """Reads a stream beside the test, and keeps what came."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.events: list[Sent] = []
        self.comments: list[str] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response.iter_lines():
                if line.startswith(":"):
                    self.comments.append(line)
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                else:
                    if "data" in fields:
                        self.events.append(Sent(fields["id"], fields["event"], json.loads(fields["data"])))
                    fields = {}
        except (httpx.TransportError, httpx.StreamError):
            pass
        finally:
            self.ended.set()

    def wait_for(self, count: int) -> list[Sent]:
        wait_until(lambda: len(self.events) >= count or self.ended.is_set(), f"{count} events in the stream")
        return self.events


@contextmanager
def listening(client: httpx.Client, last: str | None = None, **query: str) -> Iterator[Stream]:
    headers = STREAM if last is None else {**STREAM, "Last-Event-ID": last}
    with client.stream("GET", EVENTS, params=query, headers=headers) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        yield Stream(response)


def touch(client: httpx.Client, connection: dict, count: int = 1) -> None:
    for number in range(count):
        ok(client.put(f"{CONNECTIONS}/{connection['id']}", json={"label": f"Changed {number}"}))


class TestList:
    def test_pages_miss_nothing_and_repeat_nothing(self, client: httpx.Client) -> None:
        connection = create_custom(client)
        touch(client, connection, 24)
        whole = all_events(client)
        assert len(whole) == 25
        pages: list[dict] = []
        cursor: dict[str, str] = {}
        while True:
            page = ok(client.get(EVENTS, params={"limit": 7, **cursor}))
            pages += page["events"]
            cursor = {"cursor": page["next_cursor"]}
            if not page["has_more"]:
                break
        assert pages == whole
        # The last cursor is good to go on with, now and later.
        assert ok(client.get(EVENTS, params=cursor))["events"] == []
        touch(client, connection)
        [new] = ok(client.get(EVENTS, params=cursor))["events"]
        assert new["sequence"] == 26

    def test_an_event_tells_who_did_what_to_what(self, tenant: Tenant) -> None:
        connection = ok(
            tenant.client.post(
                CONNECTIONS,
                json={"integration": "thing", "integration_type": "custom", "credentials": {}},
                headers={"X-Request-Id": "my-request"},
            )
        )
        [event] = all_events(tenant.client)
        assert event["id"].startswith("evt_")
        assert event["type"] == "connection.created"
        assert event["workspace_id"] == tenant.workspace
        assert event["actor"] == tenant.key_id
        assert event["request_id"] == "my-request"
        assert event["sequence"] == 1
        assert event["data"]["connection_id"] == connection["id"]

    def test_filters(self, client: httpx.Client) -> None:
        first, second = create_custom(client), create_custom(client)
        touch(client, first, 2)
        ok(client.put(f"{CONNECTIONS}/{second['id']}", json={"status": "error"}))

        def types(**query: object) -> list[str]:
            return [event["type"] for event in ok(client.get(EVENTS, params=query))["events"]]

        assert types(type="connection.status_changed") == ["connection.status_changed"]
        assert types(type=["connection.status_changed", "connection.updated"]) == [
            *["connection.updated"] * 2,
            "connection.status_changed",
        ]
        assert types(type="connection.status_changed,connection.updated") == [
            *["connection.updated"] * 2,
            "connection.status_changed",
        ]
        assert len(types(type="connection.*")) == 5
        assert types(connection_id=second["id"]) == ["connection.created", "connection.status_changed"]
        assert types(connection_id=never_an_id("conn")) == []
        assert types(since="2099-01-01T00:00:00Z") == []
        assert len(types(since="2020-01-01T00:00:00+02:00")) == 5
        for wrong in ({"type": "nothing"}, {"limit": 0}, {"since": "yesterday"}, {"connection_id": "x"}):
            assert client.get(EVENTS, params=wrong).status_code == 422

    def test_a_cursor_that_is_none(self, client: httpx.Client) -> None:
        create_custom(client)
        assert client.get(EVENTS, params={"cursor": "x"}).status_code == 422
        # From the year 1970: whatever it was, it is not kept any more.
        gone = client.get(EVENTS, params={"cursor": never_an_id("evt")})
        assert gone.status_code == 410
        assert "without a cursor" in gone.json()["detail"]

    def test_nobody_sees_another_workspace(self, server: Server, tenant: Tenant) -> None:
        create_custom(tenant.client)
        [event] = all_events(tenant.client)
        with make_tenant(server, "stranger").client as stranger:
            create_custom(stranger)
            assert event["id"] not in [own["id"] for own in all_events(stranger)]
            # Another's cursor is like one that never was.
            assert stranger.get(EVENTS, params={"cursor": event["id"]}).status_code == 422

    def test_a_cursor_skips_nothing_that_commits_late(self, server: Server, tenant: Tenant) -> None:
        """Several write while one reads on and on."""
        connections = [create_custom(tenant.client)["id"] for _ in range(6)]
        stop = threading.Event()

        def write(connection: str) -> None:
            with server.client(tenant.key) as client:
                while not stop.is_set():
                    ok(client.put(f"{CONNECTIONS}/{connection}", json={"label": "x"}))

        writers = [threading.Thread(target=write, args=(connection,)) for connection in connections]
        for writer in writers:
            writer.start()
        seen: list[str] = []
        cursor: dict[str, str] = {}

        def read_on() -> bool:
            page = ok(tenant.client.get(EVENTS, params={"limit": 50, **cursor}))
            seen.extend(event["id"] for event in page["events"])
            cursor["cursor"] = page["next_cursor"]
            return page["has_more"]

        until = time.monotonic() + 2
        while time.monotonic() < until:
            read_on()
        stop.set()
        for writer in writers:
            writer.join(PATIENCE)
        while read_on():
            pass
        whole = all_events(tenant.client)
        assert seen == [event["id"] for event in whole]
        for connection in connections:
            own = [event["sequence"] for event in whole if event["data"]["connection_id"] == connection]
            assert own == list(range(1, len(own) + 1))


class TestStream:
    def test_what_happens_comes_as_it_happens(self, client: httpx.Client) -> None:
        connection = create_custom(client)
        with listening(client) as stream:
            touch(client, connection, 3)
            sent = stream.wait_for(3)
        # It begins with now, and says the same as the list.
        listed = all_events(client)[1:]
        assert [event.body for event in sent] == listed
        assert [event.id for event in sent] == [event["id"] for event in listed]
        assert {event.type for event in sent} == {"connection.updated"}

    def test_it_goes_on_where_it_was_left(self, client: httpx.Client) -> None:
        connection = create_custom(client)
        with listening(client) as stream:
            touch(client, connection, 2)
            last = stream.wait_for(2)[-1].id
        touch(client, connection, 150)
        with listening(client, last=last) as stream:
            touch(client, connection)
            sent = stream.wait_for(151)
        assert [event.body["sequence"] for event in sent] == list(range(4, 155))
        # The header wins over the cursor, and either wins over now.
        first = all_events(client)[0]["id"]
        with listening(client, last=last, cursor=first) as stream:
            assert stream.wait_for(1)[0].body["sequence"] == 4
        with listening(client, cursor=first) as stream:
            assert stream.wait_for(1)[0].body["sequence"] == 2

    def test_filters_hold_for_a_stream_too(self, client: httpx.Client) -> None:
        connection = create_custom(client)
        with listening(client, type="connection.deleted") as stream:
            touch(client, connection)
            ok(client.delete(f"{CONNECTIONS}/{connection['id']}"))
            assert [event.type for event in stream.wait_for(1)] == ["connection.deleted"]

    def test_a_stream_that_cannot_be_is_an_answer(self, client: httpx.Client) -> None:
        for last, status in (("x", 422), (never_an_id("evt"), 410)):
            answer = client.get(EVENTS, headers={**STREAM, "Last-Event-ID": last})
            assert answer.status_code == status
            assert answer.headers["Content-Type"] == "application/json"
        assert client.get(EVENTS, headers={**STREAM, "Authorization": "Bearer none"}).status_code == 401

    def test_a_revoked_key_ends_its_stream(self, server: Server, tenant: Tenant) -> None:
        key = create_key(tenant.client, permissions=["read"])
        with server.client(key["secret"]) as reader, listening(reader) as stream:
            create_custom(tenant.client)
            stream.wait_for(1)
            begin = time.monotonic()
            ok(tenant.client.delete(f"{KEYS}/{key['id']}"))
            assert stream.ended.wait(30)
            # A heartbeat is fifteen seconds.
            assert time.monotonic() - begin < 20

    def test_one_workspace_has_so_many(self, server: Server, tenant: Tenant) -> None:
        limits = httpx.Limits(max_connections=None)
        with ExitStack() as streams:
            reader = streams.enter_context(server.client(tenant.key, limits=limits))
            for _ in range(64):
                streams.enter_context(listening(reader))
            refused = tenant.client.get(EVENTS, headers=STREAM)
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 0
            # Another workspace has room.
            with make_tenant(server, "other").client as other, listening(other) as stream:
                create_custom(other)
                stream.wait_for(1)
            # And pages are answered as ever.
            ok(tenant.client.get(EVENTS))

        def is_free() -> bool:
            with tenant.client.stream("GET", EVENTS, headers=STREAM) as response:
                return response.status_code == 200

        # Who has gone is noticed at once.
        wait_until(is_free, "a free place")

    def test_the_server_ends_at_once(self, make_server: Callable[..., Server]) -> None:
        server = make_server().start()
        with server.admin() as client, listening(client) as stream:
            create_custom(client)
            stream.wait_for(1)
            begin = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - begin < 5
            assert stream.ended.wait(PATIENCE)

    @pytest.mark.parametrize("reads", [True, False], ids=["one who reads", "one who does not"])
    def test_a_slow_reader_makes_nothing_grow(self, make_server: Callable[..., Server], reads: bool) -> None:
        """A thousand events are more than a socket holds, and are kept by nobody for who does not take them."""
        server = make_server().start()
        with server.admin() as client:
            connection = create_custom(client, label="x" * 200)
            touch(client, connection, 1500)
            first = all_events(client)[0]["id"]
            with client.stream("GET", EVENTS, headers=STREAM, params={"cursor": first}) as response:
                if reads:
                    assert Stream(response).wait_for(1500)[-1].body["sequence"] == 1501
                else:
                    time.sleep(1)
                ok(client.get(EVENTS, params={"limit": 1}))
            assert server.stop() == 0
