"""Short words for the calls that many tests make."""

import random
import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from support.server import Server

API = "/api/v1"
CONNECTIONS = f"{API}/connections"
CREDENTIALS = f"{API}/credentials"
KEYS = f"{API}/api-keys"
WORKSPACES = f"{API}/workspaces"

EVERYTHING = ["read", "write", "secrets", "admin"]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def never_an_id(prefix: str) -> str:
    """A well-formed id that no server ever made: its time lies in the year 1970."""
    return f"{prefix}_0000" + "".join(random.choices(_CROCKFORD, k=22))


def slack_token() -> str:
    """In the form that Slack documents, and never one of Slack's: made here, without the digits of a workspace."""
    return "xoxb-" + secrets.token_hex(24)


def ok(response: httpx.Response) -> Any:
    """The body of an answer that has to be a success."""
    assert response.is_success, (
        f"{response.request.method} {response.request.url}: {response.status_code} {response.text}"
    )
    return response.json() if response.content else None


def create_slack(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A Slack connection with a bot token."""
    body = {
        "integration": "slack",
        "integration_type": "connectors",
        "auth_method_id": "bot_token",
        "credentials": {"bot_token": slack_token()},
        **fields,
    }
    return ok(client.post(CONNECTIONS, json=body))


def create_custom(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A connection outside the catalog, whose config may be anything."""
    body = {"integration": "e2e-thing", "integration_type": "custom", "credentials": {}, **fields}
    return ok(client.post(CONNECTIONS, json=body))


def create_credential(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A credential that a Slack connection may use."""
    body = {"label": "token", "auth_type": "access_token", "data": {"bot_token": slack_token()}, **fields}
    return ok(client.post(CREDENTIALS, json=body))


def create_key(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """An API key of the caller's workspace, with the `secret` to send."""
    return ok(client.post(KEYS, json={"label": "e2e", "permissions": EVERYTHING, **fields}))


@dataclass(frozen=True)
class Tenant:
    """A workspace of its own with a key that may do everything in it and nothing outside."""

    workspace: str
    key_id: str
    key: str
    client: httpx.Client


def make_tenant(server: Server, name: str = "e2e", **client_options: Any) -> Tenant:
    with server.admin() as admin:
        workspace = ok(admin.post(WORKSPACES, json={"name": name, "slug": f"t-{secrets.token_hex(8)}"}))["id"]
    with server.admin(workspace) as admin:
        key = create_key(admin)
    return Tenant(workspace, key["id"], key["secret"], server.client(key["secret"], **client_options))
