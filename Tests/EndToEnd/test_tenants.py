"""Other tenants do not exist: what is asked of another's id answers exactly as what is asked of an id that never was.

The matrix is made from /openapi.json, so that a new operation is in it or fails the test.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from support.api import (
    API,
    CONNECTIONS,
    CREDENTIALS,
    KEYS,
    Tenant,
    create_credential,
    create_custom,
    create_key,
    create_slack,
    make_tenant,
    never_an_id,
    ok,
    slack_token,
)
from support.document import Operation, operations
from support.oauth import APPS, INITIATE
from support.server import Server

# The prefix of what each path parameter names. A parameter that is not here is unknown to the matrix, which fails it.
OWNED = {
    "connection_id": "conn",
    "credential_id": "cred",
    "app_id": "app",
    "key_id": "key",
    "workspace_id": "wsp",
    "webhook_id": "whk",
    "delivery_id": "evt",
}
# These name nothing that a tenant owns: the user is a filter on one's own connections, the catalog is everybody's.
OTHERS = {"user_id": "e2e-user", "integration_id": "slack"}

BODIES: dict[str, dict[str, Any]] = {
    "create_connection": {
        "integration": "slack",
        "integration_type": "connectors",
        "credentials": {"bot_token": slack_token()},
    },
    "test_unsaved_connection": {
        "integration": "slack",
        "integration_type": "connectors",
        "credentials": {"bot_token": slack_token()},
    },
    "create_webhook": {"url": "https://hooks.example.com/x"},
    "update_webhook": {"label": "taken over"},
    "rotate_webhook_secret": {},
    "replay_webhook": {},
    "import_connections": {"integration": "slack", "external_id": "x", "credentials": {"bot_token": slack_token()}},
    "update_connection": {"label": "taken over"},
    "validate_connection_requirements": {},
    "create_credential": {"label": "x", "auth_type": "api_key", "data": {"api_key": "x"}},
    "update_credential": {"label": "taken over", "data": {"bot_token": slack_token()}},
    "create_oauth_app": {"integration": "slack", "client_id": "x", "client_secret": "x"},
    "update_oauth_app": {"label": "taken over", "client_secret": "x", "return_urls": ["https://example.com/"]},
    "initiate_oauth": {"integration_id": "slack"},
    "confirm_oauth": {"ticket": "x", "user_id": "x"},
    "create_api_key": {"label": "x"},
    "update_api_key": {"label": "taken over", "status": "inactive"},
    "create_workspace": {"name": "x"},
    "update_workspace": {"name": "taken over"},
}
INTEGRATION = {
    "name": "x",
    "type": "api",
    "category": "x",
    "description": "x",
    "docs_url": "https://example.com/",
    "auth_methods": [{"id": "none", "name": "x", "type": "none", "auth_type": "custom", "description": "x"}],
}
BODIES |= {"create_integration": {"id": "x", **INTEGRATION}, "update_integration": INTEGRATION}
QUERIES: dict[str, dict[str, str]] = {"validate_connection_requirements": {"integration_id": "slack"}}


@dataclass
class Estate:
    """A tenant with one of everything."""

    tenant: Tenant
    connection: dict[str, Any]
    credential: dict[str, Any]
    app: dict[str, Any]
    key: dict[str, Any]
    webhook: dict[str, Any]
    event: str
    cursor: str

    @property
    def ids(self) -> dict[str, str]:
        return {
            "connection_id": self.connection["id"],
            "credential_id": self.credential["id"],
            "app_id": self.app["id"],
            "key_id": self.key["id"],
            "workspace_id": self.tenant.workspace,
            "webhook_id": self.webhook["id"],
            "delivery_id": self.event,
        }

    def snapshot(self) -> dict[str, str]:
        """All that the tenant sees of its own."""
        paths = [CONNECTIONS, CREDENTIALS, APPS, KEYS, f"{API}/workspaces", f"{CONNECTIONS}/stats"]
        paths += [f"{CONNECTIONS}/{self.connection['id']}", f"{CREDENTIALS}/{self.credential['id']}"]
        paths += [f"{APPS}/{self.app['id']}", f"{API}/oauth/revocations"]
        paths += [f"{API}/webhooks", f"{API}/webhooks/{self.webhook['id']}"]
        paths += [f"{KEYS}/{self.key['id']}", f"{API}/workspaces/{self.tenant.workspace}"]
        seen = {}
        for path in paths:
            body = ok(self.tenant.client.get(path))
            # When a key was last used is written now and then, and says nothing of a stranger's doings.
            for key in body.get("data", [body]):
                key.pop("last_used_at", None)
            seen[path] = repr(body)
        return seen


def settle(server: Server, name: str) -> Estate:
    tenant = make_tenant(server, name)
    owned = {"external_id": f"{name}-external", "user_id": f"{name}-user", "tags": [f"{name}-tag"]}
    create_slack(tenant.client, label=f"{name} first", **owned | {"external_id": f"{name}-first"})
    connection = create_slack(tenant.client, label=f"{name} searchable", **owned)
    credential = create_credential(tenant.client, label=f"{name} credential")
    client = {"client_id": f"{name}-client", "client_secret": f"{name}-secret"}
    app = ok(tenant.client.post(APPS, json={"integration": "slack", "label": f"{name} app", **client}))
    key = create_key(tenant.client, label=f"{name} key")
    # Inactive, so that nothing is delivered while the matrix looks.
    hook = {"url": "https://hooks.example.com/in", "status": "inactive", "label": f"{name} webhook"}
    webhook = ok(tenant.client.post(f"{API}/webhooks", json=hook))
    event = ok(tenant.client.get(f"{API}/events", params={"limit": 1}))["events"][0]["id"]
    cursor = ok(tenant.client.get(CONNECTIONS, params={"limit": 1}))["next_cursor"]
    assert cursor
    return Estate(tenant, connection, credential, app, key, webhook, event, cursor)


@pytest.fixture(scope="module")
def estates(server: Server) -> Iterator[tuple[Estate, Estate]]:
    """A, who asks, and B, who must not be seen."""
    a, b = settle(server, "anna"), settle(server, "berta")
    yield a, b
    a.tenant.client.close()
    b.tenant.client.close()


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    return ok(httpx.get(f"{server.url}/openapi.json"))


def secured(document: dict[str, Any]) -> list[Operation]:
    found = [operation for operation in operations(document) if operation.needs_a_key]
    assert len(found) >= 41
    return found


def function_of(operation: Operation) -> str:
    """The part of an operationId that names the function: FastAPI appends path and method."""
    return operation.name.split("_api_v1_")[0]


def request_of(operation: Operation, ids: dict[str, str]) -> dict[str, Any]:
    """A request that is valid but for the ids that it is given."""
    unknown = [name for name in operation.path_parameters if name not in {**OWNED, **OTHERS}]
    assert not unknown, f"{operation}: teach the matrix what {unknown} name"
    request: dict[str, Any] = {
        "method": operation.method,
        "url": operation.path.format(**{**OTHERS, **ids}),
        "params": QUERIES.get(function_of(operation)),
    }
    if "requestBody" in operation.details:
        assert function_of(operation) in BODIES, f"{operation}: teach the matrix a body"
        body = BODIES[function_of(operation)]
        if "application/json" in operation.details["requestBody"]["content"]:
            request["json"] = body
        else:
            request["content"] = json.dumps(body)
            request["headers"] = {"Content-Type": "application/x-ndjson"}
    return request


# What differs between any two answers.
PASSING = {"x-request-id", "date"}


def told(response: httpx.Response, *names: str) -> tuple[int, dict[str, str], str]:
    """All that an answer tells its reader, with the id that was asked for made equal."""
    headers = {name: value for name, value in response.headers.items() if name not in PASSING}
    body = response.text
    for name in names:
        body = body.replace(name, "<id>")
    return response.status_code, headers, body


def test_every_id_in_a_path(estates: tuple[Estate, Estate], document: dict[str, Any]) -> None:
    a, b = estates
    before = b.snapshot()
    asked = 0
    for operation in secured(document):
        for parameter in set(operation.path_parameters) & set(OWNED):
            asked += 1
            foreign, never = b.ids[parameter], never_an_id(OWNED[parameter])
            # B's own id, an id that never was, the same in lower case, and what is no id at all.
            answers = [
                told(a.tenant.client.request(**request_of(operation, {**a.ids, parameter: asked_for})), asked_for)
                for asked_for in (foreign, never, foreign.lower(), "nonsense", f"{foreign}0", foreign[:-1])
            ]
            # Only the instance's own key deletes workspaces, which may be said before any is looked for.
            expected = (403, 404) if function_of(operation) == "delete_workspace" else (404,)
            assert answers[0][0] in expected, (operation, answers[0])
            assert answers == [answers[0]] * len(answers), operation
    assert asked >= 17
    assert b.snapshot() == before


def test_every_id_in_a_body(estates: tuple[Estate, Estate]) -> None:
    a, b = estates
    before, own_before = b.snapshot(), ok(a.tenant.client.get(CONNECTIONS))["total"]
    slack = {"integration": "slack", "integration_type": "connectors"}
    foreign = b.credential["id"]
    answers = [
        told(a.tenant.client.post(CONNECTIONS, json={**slack, "credential_id": credential}), credential)
        for credential in (
            foreign,
            b.connection["credential_id"],
            never_an_id("cred"),
            foreign.lower(),
            "nonsense",
            a.connection["id"],
        )
    ]
    assert answers[0][0] == 404 and "Credential not found" in answers[0][2]
    assert answers == [answers[0]] * len(answers)
    assert ok(a.tenant.client.get(CONNECTIONS))["total"] == own_before
    assert b.snapshot() == before


def test_every_id_in_a_flow(estates: tuple[Estate, Estate]) -> None:
    a, b = estates
    before = b.snapshot()
    for field, foreign in (("app_id", b.app["id"]), ("connection_id", b.connection["id"])):
        never = never_an_id(OWNED[field])
        answers = [
            told(a.tenant.client.post(INITIATE, json={"integration_id": "slack", field: asked_for}), asked_for)
            for asked_for in (foreign, never, foreign.lower(), "nonsense", f"{foreign}0", a.credential["id"])
        ]
        assert answers[0][0] == 404, (field, answers[0])
        assert answers == [answers[0]] * len(answers), field
    assert b.snapshot() == before


@pytest.mark.parametrize("path", [CONNECTIONS, f"{CONNECTIONS}/stats"])
def test_filters_find_nothing_of_another(estates: tuple[Estate, Estate], path: str) -> None:
    a, b = estates
    for parameter, foreign, never in (
        ("credential_id", b.connection["credential_id"], never_an_id("cred")),
        ("user_id", "berta-user", "nobody"),
        ("external_id", "berta-external", "nothing"),
        ("tag", "berta-tag", "nothing"),
        ("search", "berta", "nothing"),
    ):
        if path.endswith("stats") and parameter != "user_id":
            continue
        theirs, nobodys = (
            told(a.tenant.client.get(path, params={parameter: value}), value) for value in (foreign, never)
        )
        assert theirs == nobodys, parameter
        assert '"id"' not in theirs[2]
        # The filter does find what is one's own.
        own = foreign.replace("berta", "anna") if "berta" in foreign else a.connection["credential_id"]
        found = ok(a.tenant.client.get(path, params={parameter: own}))
        assert found.get("total", found.get("total_connections")) >= 1, parameter
    mine, theirs = (told(a.tenant.client.get(f"{CONNECTIONS}/users/{user}"), user) for user in ("berta-user", "nobody"))
    assert mine == theirs


def test_a_cursor_of_another_leads_nowhere(estates: tuple[Estate, Estate]) -> None:
    """Whether it is refused or taken as a place in the order of ids: nothing of B's is behind it."""
    a, b = estates
    for path in (CONNECTIONS, f"{CONNECTIONS}/users/anna-user"):
        answer = a.tenant.client.get(path, params={"cursor": b.cursor})
        assert answer.status_code in (200, 422)
        for identifier in b.ids.values():
            assert identifier not in answer.text
        if answer.status_code == 200:
            assert {found["workspace_id"] for found in answer.json()["connections"]} <= {a.tenant.workspace}


def test_every_operation_with_another_workspace(estates: tuple[Estate, Estate], document: dict[str, Any]) -> None:
    a, b = estates
    before = b.snapshot()
    for operation in secured(document):
        ids = {name: never_an_id(prefix) for name, prefix in OWNED.items()}
        answers = []
        for workspace in (b.tenant.workspace, never_an_id("wsp"), b.tenant.workspace.lower(), "default", "nonsense"):
            request = request_of(operation, ids)
            headers = {**request.pop("headers", {}), "X-Workspace-Id": workspace}
            answer = a.tenant.client.request(**request, headers=headers)
            answers.append(told(answer, workspace))
        assert answers[0][0] == 404, (operation, answers[0])
        assert answers == [answers[0]] * len(answers), operation
    assert b.snapshot() == before


def test_the_own_workspace_may_be_named(estates: tuple[Estate, Estate]) -> None:
    a, _ = estates
    named = a.tenant.client.get(CONNECTIONS, headers={"X-Workspace-Id": a.tenant.workspace})
    assert ok(named) == ok(a.tenant.client.get(CONNECTIONS))


def test_lists_hold_only_ones_own(estates: tuple[Estate, Estate]) -> None:
    a, b = estates
    lists: list[tuple[str, Callable[[Any], list]]] = [
        (CONNECTIONS, lambda body: body["connections"]),
        (CREDENTIALS, lambda body: body["credentials"]),
        (APPS, lambda body: body["apps"]),
        (KEYS, lambda body: body["data"]),
        (f"{API}/workspaces", lambda body: body["workspaces"]),
    ]
    for path, rows in lists:
        body = ok(a.tenant.client.get(path, params={"limit": 1000}))
        assert {row.get("workspace_id", row["id"]) for row in rows(body)} == {a.tenant.workspace}, path
        assert not any(identifier in str(body) for identifier in b.ids.values())
    session = ok(a.tenant.client.get(f"{API}/auth/session"))
    assert session["workspace"]["id"] == a.tenant.workspace


def test_the_same_names_in_two_workspaces(estates: tuple[Estate, Estate]) -> None:
    """What is unique in a workspace is not so across: a conflict would tell of the other."""
    a, b = estates
    made = create_custom(b.tenant.client, external_id="one-name", label="same")
    assert create_custom(a.tenant.client, external_id="one-name", label="same")["id"] != made["id"]
    again = {"integration": "e2e-thing", "integration_type": "custom", "external_id": "one-name"}
    conflict = a.tenant.client.post(CONNECTIONS, json=again)
    assert conflict.status_code == 409
    assert made["id"] not in conflict.text


def test_a_tenant_makes_no_workspace(estates: tuple[Estate, Estate]) -> None:
    a, _ = estates
    assert a.tenant.client.post(f"{API}/workspaces", json={"name": "x"}).status_code == 403


class TestNobodyGivesAwayWhatTheyHaveNotGot:
    """Rule 10: by create or update, no key gets more than its maker has."""

    @pytest.fixture
    def modest(self, server: Server, tenant: Tenant) -> Iterator[httpx.Client]:
        """An admin that may not see secrets and may not live long."""
        limited = create_key(
            tenant.client,
            permissions=["read", "write", "admin"],
            expires_at="2099-01-01T00:00:00Z",
            ip_whitelist=["127.0.0.0/8"],
        )
        with server.client(limited["secret"]) as client:
            yield client

    @pytest.mark.parametrize(
        "more",
        [
            {"permissions": ["secrets"]},
            {"permissions": ["read", "secrets"]},
            {"expires_at": "2099-01-02T00:00:00Z"},
            {"ip_whitelist": ["0.0.0.0/0"]},
            {"ip_whitelist": ["127.0.0.1", "10.0.0.0/8"]},
        ],
        ids=str,
    )
    def test_by_create_and_update(self, modest: httpx.Client, more: dict[str, Any]) -> None:
        least = {
            "label": "x",
            "permissions": ["read"],
            "expires_at": "2098-01-01T00:00:00Z",
            "ip_whitelist": ["127.0.0.1"],
        }
        made = ok(modest.post(KEYS, json=least))
        assert modest.post(KEYS, json={**least, **more}).status_code == 403
        refused = modest.put(f"{KEYS}/{made['id']}", json=more)
        assert refused.status_code == 403
        assert ok(modest.get(f"{KEYS}/{made['id']}"))["permissions"] == ["read"]

    def test_by_leaving_things_out(self, modest: httpx.Client) -> None:
        """What is not said is the maker's own, or has to be said; it is never more."""
        answer = modest.post(KEYS, json={"label": "x"})
        if answer.status_code != 403:
            made = ok(answer)
            assert set(made["permissions"]) == {"read", "write"}
            assert made["ip_whitelist"] == ["127.0.0.0/8"]
            assert made["expires_at"] is not None and made["expires_at"] <= "2099-01-01T00:00:00.000000Z"

    def test_by_clearing(self, modest: httpx.Client) -> None:
        limits = {"expires_at": "2098-01-01T00:00:00Z", "ip_whitelist": ["127.0.0.1"]}
        made = ok(modest.post(KEYS, json={"label": "x", **limits}))
        for name in limits:
            assert modest.put(f"{KEYS}/{made['id']}", json={name: None}).status_code == 403, name

    def test_a_foreign_secret_needs_the_permission(self, modest: httpx.Client, tenant: Tenant) -> None:
        credential = create_credential(tenant.client)
        body = {"integration": "slack", "integration_type": "connectors", "credential_id": credential["id"]}
        assert modest.post(CONNECTIONS, json=body).status_code == 403
        ok(tenant.client.post(CONNECTIONS, json=body))
