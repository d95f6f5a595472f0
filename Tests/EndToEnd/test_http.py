"""How the server behaves as an HTTP server: methods, headers, limits, conditions, order of refusals, the wire."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from support.api import (
    API,
    CONNECTIONS,
    CREDENTIALS,
    KEYS,
    WORKSPACES,
    Tenant,
    create_custom,
    create_key,
    create_slack,
    never_an_id,
    ok,
)
from support.rawhttp import Wire, request
from support.server import Server

MEGABYTE = 1024 * 1024
JSON = {"Content-Type": "application/json"}
METHODS = {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"}


@pytest.fixture
def connection(client: httpx.Client) -> dict[str, Any]:
    return create_custom(client, label="one")


class TestMethods:
    def test_every_path_names_its_methods(self, server: Server, client: httpx.Client) -> None:
        """405 with exactly the methods that the document has, for whatever else is asked."""
        document = ok(httpx.get(f"{server.url}/openapi.json"))
        for path, item in document["paths"].items():
            documented = {method.upper() for method in item} & METHODS
            for method in METHODS - documented:
                content = b"{}" if method in ("PUT", "POST", "PATCH") else None
                answer = client.request(method, re.sub(r"\{[^}]*\}", "x", path), content=content)
                assert answer.status_code == 405, (method, path, answer.text)
                assert sorted(answer.headers["Allow"].split(", ")) == sorted(documented), (method, path)
                assert answer.json() == {"detail": "Method Not Allowed"}

    @pytest.mark.parametrize("path", ["/health/live", CONNECTIONS, f"{CONNECTIONS}/x", "/nowhere"])
    def test_head_is_not_get(self, server: Server, tenant: Tenant, path: str) -> None:
        """405, and no body: one would be read as the beginning of the next answer on the connection."""
        with Wire(server) as wire:
            wire.send(request("HEAD", path, tenant.key) + request("GET", "/health/live"))
            head = wire.read_answer(to_head=True)
            assert head.status == (404 if path == "/nowhere" else 405)
            assert head.status == 404 or "GET" in head.headers["allow"]
            following = wire.read_answer()
            assert (following.status, json.loads(following.body)) == (200, {"status": "ok"})

    def test_no_such_path(self, client: httpx.Client) -> None:
        for path in (
            "/",
            "/api",
            f"{API}/",
            f"{API}/nothing",
            f"{CONNECTIONS}/x/y",
            "/API/v1/connections",
            "/favicon.ico",
        ):
            answer = client.get(path)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"}), path

    def test_words_in_a_path_are_no_ids(self, client: httpx.Client) -> None:
        """`stats` is under /connections what it says, whatever method it is asked with."""
        assert "total_connections" in ok(client.get(f"{CONNECTIONS}/stats"))
        assert client.put(f"{CONNECTIONS}/stats", json={"label": "x"}).status_code == 405


class TestRequestId:
    @pytest.mark.parametrize("sane", ["a", "Trace-1.2_3", "x" * 128])
    def test_a_sane_one_comes_back(self, client: httpx.Client, sane: str) -> None:
        assert client.get(CONNECTIONS, headers={"X-Request-Id": sane}).headers["X-Request-Id"] == sane

    @pytest.mark.parametrize("insane", ["", "a b", "x" * 129, "a/b", 'a"b', "a;b", "\u00e9".encode("latin-1"), "%0a"])
    def test_another_is_replaced(self, client: httpx.Client, insane: str) -> None:
        given = client.get(CONNECTIONS, headers={"X-Request-Id": insane}).headers["X-Request-Id"]
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", given) and given != insane

    def test_every_answer_has_one(self, server: Server, client: httpx.Client) -> None:
        seen = set()
        for method, path, expected in (
            ("GET", "/health/live", 200),
            ("GET", CONNECTIONS, 200),
            ("GET", f"{CONNECTIONS}/x", 404),
            ("GET", "/nowhere", 404),
            ("PATCH", CONNECTIONS, 405),
            ("POST", CONNECTIONS, 422),
        ):
            answer = client.request(method, path)
            assert answer.status_code == expected, path
            seen.add(answer.headers["X-Request-Id"])
        with server.client() as anonymous:
            seen.add(anonymous.get(CONNECTIONS).headers["X-Request-Id"])
        assert len(seen) == 7


class TestBodies:
    def test_the_largest_body(self, client: httpx.Client, connection: dict[str, Any]) -> None:
        frame = '{"config":{"x":""}}'
        body = frame.replace('""', '"' + "a" * (MEGABYTE - len(frame)) + '"')
        assert len(body) == MEGABYTE
        updated = client.put(f"{CONNECTIONS}/{connection['id']}", content=body, headers=JSON)
        assert len(ok(updated)["config"]["x"]) == MEGABYTE - len(frame)

    @pytest.mark.parametrize("size", [MEGABYTE + 1, 10 * MEGABYTE, 10**15, 10**30])
    def test_too_large_by_its_own_word(self, server: Server, tenant: Tenant, size: int) -> None:
        with Wire(server) as wire:
            wire.send(
                request("POST", CONNECTIONS, tenant.key, Content_Length=str(size), Content_Type="application/json")
            )
            answer = wire.read_answer()
            # A length that is no number of any machine may as well be called a bad request.
            assert answer.status == 413 or (size == 10**30 and answer.status == 400)
            if answer.status == 413:
                assert isinstance(json.loads(answer.body)["detail"], str)
                assert answer.headers["x-request-id"]
            assert wire.is_closed_by_server()

    def test_too_large_while_it_comes(self, server: Server, tenant: Tenant, connection: dict[str, Any]) -> None:
        chunked = {"Transfer_Encoding": "chunked", "Content_Type": "application/json"}
        with Wire(server) as wire:
            wire.send(request("PUT", f"{CONNECTIONS}/{connection['id']}", tenant.key, **chunked))
            wire.send(b'f\r\n{"config":{"x":\r\n1\r\n"\r\n')
            for _ in range(16):
                wire.send_until_refused(b"10000\r\n" + b"a" * 65536 + b"\r\n")
            answer = wire.read_answer()
            assert answer.status == 413
            assert isinstance(json.loads(answer.body)["detail"], str)
            assert wire.is_closed_by_server()
        assert ok(tenant.client.get(f"{CONNECTIONS}/{connection['id']}")) == connection

    def test_refused_without_a_key_before_it_is_read(self, server: Server) -> None:
        with Wire(server) as wire:
            wire.send(request("POST", CONNECTIONS, Content_Length=str(10 * MEGABYTE), Content_Type="application/json"))
            assert wire.read_answer().status == 401

    def test_a_chunked_body_is_a_body(self, server: Server, tenant: Tenant, connection: dict[str, Any]) -> None:
        chunked = {"Transfer_Encoding": "chunked", "Content_Type": "application/json"}
        with Wire(server) as wire:
            wire.send(request("PUT", f"{CONNECTIONS}/{connection['id']}", tenant.key, **chunked))
            wire.send(b'8\r\n{"label"\r\n5\r\n:"two\r\n2\r\n"}\r\n0\r\n\r\n')
            assert json.loads(wire.read_answer().body)["label"] == "two"

    @pytest.mark.parametrize(
        "content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json"]
    )
    @pytest.mark.parametrize(
        "method, path", [("POST", CONNECTIONS), ("POST", CREDENTIALS), ("POST", KEYS), ("PUT", None)]
    )
    def test_a_content_type_that_is_not_json(
        self, client: httpx.Client, connection: dict[str, Any], method: str, path: str | None, content_type: str
    ) -> None:
        path = path or f"{CONNECTIONS}/{connection['id']}"
        answer = client.request(method, path, content="{}", headers={"Content-Type": content_type})
        assert answer.status_code == 415
        assert isinstance(answer.json()["detail"], str)


class TestConditions:
    @pytest.fixture(params=["connection", "credential", "key", "workspace"])
    def address(self, request: pytest.FixtureRequest, tenant: Tenant) -> str:
        """Each kind of thing that has an ETag."""
        match request.param:
            case "connection":
                return f"{CONNECTIONS}/{create_custom(tenant.client)['id']}"
            case "credential":
                return f"{CREDENTIALS}/{create_slack(tenant.client)['credential_id']}"
            case "key":
                return f"{KEYS}/{tenant.key_id}"
        return f"{WORKSPACES}/{tenant.workspace}"

    @staticmethod
    def change(address: str, word: str) -> dict[str, str]:
        return {"description" if WORKSPACES in address else "label": word}

    def test_read_again_only_when_changed(self, client: httpx.Client, address: str) -> None:
        first = client.get(address)
        etag = first.headers["ETag"]
        assert re.fullmatch(r'"\d+"', etag)
        for matching in (etag, "*", f'"x", {etag}', f"W/{etag}"):
            same = client.get(address, headers={"If-None-Match": matching})
            assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", etag), matching
        updated = client.put(address, json=self.change(address, "changed"))
        assert ok(updated) and updated.headers["ETag"] != etag
        again = client.get(address, headers={"If-None-Match": etag})
        assert (again.status_code, again.headers["ETag"]) == (200, updated.headers["ETag"])

    def test_write_only_what_was_read(self, client: httpx.Client, address: str) -> None:
        etag = client.get(address).headers["ETag"]
        first = client.put(address, json=self.change(address, "mine"), headers={"If-Match": etag})
        assert first.status_code == 200
        for stale in (etag, '"x"', f"W/{first.headers['ETag']}", f'{etag}, "y"'):
            answer = client.put(address, json=self.change(address, "theirs"), headers={"If-Match": stale})
            assert (answer.status_code, isinstance(answer.json()["detail"], str)) == (412, True), stale
        assert client.get(address).headers["ETag"] == first.headers["ETag"]
        for form in ("*", "{}", '"x", {}'):
            current = client.get(address).headers["ETag"]
            answer = client.put(address, json=self.change(address, "mine"), headers={"If-Match": form.format(current)})
            assert answer.status_code == 200, form

    def test_of_many_who_read_the_same_one_writes(self, server: Server, tenant: Tenant) -> None:
        made = create_custom(tenant.client)
        address = f"{CONNECTIONS}/{made['id']}"
        etag = tenant.client.get(address).headers["ETag"]

        def write(number: int) -> int:
            with server.client(tenant.key, headers={"If-Match": etag}) as client:
                return client.put(address, json={"label": f"writer {number}"}).status_code

        with ThreadPoolExecutor(16) as pool:
            assert sorted(pool.map(write, range(16))) == [200] + [412] * 15


class TestOrderOfRefusals:
    """401, workspace 404, 403, 413 and 415, 422 body, 404, 412, 422 integration: of several the first is said."""

    def test_one_after_the_other(self, server: Server, tenant: Tenant) -> None:
        reader = create_key(tenant.client, permissions=["read"])["secret"]
        slack = create_slack(tenant.client)
        there, nowhere = f"{CONNECTIONS}/{slack['id']}", f"{CONNECTIONS}/{never_an_id('conn')}"
        text, bad, good = {"Content-Type": "text/plain"}, '{"label":5}', '{"label":"x"}'
        elsewhere, stale = {"X-Workspace-Id": never_an_id("wsp")}, {"If-Match": '"0"'}
        table: list[tuple[int, str | None, str, str, dict[str, str]]] = [
            (401, None, nowhere, bad, {**text, **elsewhere, **stale}),
            (404, reader, nowhere, bad, {**text, **elsewhere, **stale}),
            (403, reader, nowhere, bad, {**text, **stale}),
            (415, tenant.key, nowhere, bad, {**text, **stale}),
            (422, tenant.key, nowhere, bad, {**JSON, **stale}),
            (404, tenant.key, nowhere, good, {**JSON, **stale}),
            (412, tenant.key, there, good, {**JSON, **stale}),
            (200, tenant.key, there, good, JSON),
        ]
        for expected, key, path, body, headers in table:
            with server.client(key) as client:
                answer = client.put(path, content=body, headers=headers)
            assert answer.status_code == expected, (expected, answer.text)


class TestConnectionsOfTheWire:
    def test_pipelining(self, server: Server, tenant: Tenant, connection: dict[str, Any]) -> None:
        """Several requests in one write are carried out and answered in their order."""
        address = f"{CONNECTIONS}/{connection['id']}"
        body = {"Content_Type": "application/json"}
        sent = [
            request("GET", address, tenant.key, X_Request_Id="p-0"),
            request("PUT", address, tenant.key, b'{"label":"two"}', X_Request_Id="p-1", **body),
            request("GET", address, tenant.key, X_Request_Id="p-2"),
            request("PUT", address, tenant.key, b'{"label":5}', X_Request_Id="p-3", **body),
            request("GET", "/nowhere", tenant.key, X_Request_Id="p-4"),
            request("DELETE", address, tenant.key, X_Request_Id="p-5"),
            request("GET", address, tenant.key, X_Request_Id="p-6"),
        ]
        with Wire(server) as wire:
            wire.send(b"".join(sent))
            answers = [wire.read_answer() for _ in sent]
        assert [answer.headers["x-request-id"] for answer in answers] == [f"p-{n}" for n in range(7)]
        assert [answer.status for answer in answers] == [200, 200, 200, 422, 404, 204, 404]
        assert [json.loads(answers[n].body)["label"] for n in range(3)] == ["one", "two", "two"]

    @pytest.mark.parametrize(
        "garbage", [b"\0\1\2\3\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nA" + b"a" * 100_000 + b": b\r\n\r\n"]
    )
    def test_garbage_ends_only_its_own_connection(self, server: Server, garbage: bytes) -> None:
        with Wire(server) as wire:
            wire.send_until_refused(garbage)
            assert ok(httpx.get(f"{server.url}/health/ready"))["status"] == "ready"

    def test_two_lengths_are_no_length(self, server: Server, tenant: Tenant) -> None:
        """What one reader takes for a body another takes for the next request: refused, or at least the end."""
        smuggled = request("GET", CONNECTIONS, tenant.key)
        head = request("POST", CONNECTIONS, tenant.key, Transfer_Encoding="chunked", Content_Length="5")
        with Wire(server) as wire:
            wire.send_until_refused(head + b"0\r\n\r\n" + smuggled)
            assert wire.read_answer().status in (400, 415, 422)
