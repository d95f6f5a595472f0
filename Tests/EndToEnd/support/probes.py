"""Short words for tests of connections: what is sent, and what is told."""

from dataclasses import dataclass
from typing import Any

import httpx

from support.api import API, CONNECTIONS, ok
from support.canary import Nest

TEST = f"{CONNECTIONS}/test"
VALIDATE = f"{CONNECTIONS}/validate"
EVENTS = f"{API}/events"
WEBHOOKS = f"{API}/webhooks"

Draft = dict[str, Any]

_MARKS = {"passed": "", "failed": "!", "inconclusive": "?"}


def draft(integration: str, kind: str, method: str, credentials: dict[str, Any] | None = None, **config: Any) -> Draft:
    """The body of create and of a test of what is not saved."""
    return {
        "integration": integration,
        "integration_type": kind,
        "auth_method_id": method,
        "credentials": credentials or {},
        "config": config,
    }


def mcp(url: str, token: str | None = None) -> Draft:
    if token is None:
        return draft("mcp", "mcp", "none", server_url=url)
    return draft("mcp", "mcp", "bearer", {"token": token}, server_url=url)


def model(base_url: str, key: str | None = "sk-e2e-0123456789") -> Draft:
    if key is None:
        return draft("openai-compatible", "model", "none", base_url=base_url)
    return draft("openai-compatible", "model", "api_key", {"api_key": key}, base_url=base_url)


def rest_api(test_url: str, key: str = "rest-key-0123456789", **config: Any) -> Draft:
    base_url = "/".join(test_url.split("/")[:3])
    return draft(
        "rest-api", "api", "api_key", {"api_key": key}, **{"base_url": base_url, "test_url": test_url, **config}
    )


def custom_http(test_url: str, token: str = "custom-token-0123456789", **config: Any) -> Draft:
    base_url = "/".join(test_url.split("/")[:3])
    return draft(
        "custom-http", "custom", "bearer", {"token": token}, **{"base_url": base_url, "test_url": test_url, **config}
    )


def graphql(base_url: str, token: str = "graphql-token-0123456789") -> Draft:
    return draft("graphql-api", "api", "bearer", {"token": token}, base_url=base_url, path="graphql")


def s3(config: dict[str, Any], key: dict[str, str]) -> Draft:
    return draft("s3", "storage", "access_key", key, **config)


def minio(config: dict[str, Any], key: dict[str, str]) -> Draft:
    return draft("minio", "storage", "access_key", key, **config)


def azure(endpoint: str, key: str = "ZTJlLWF6dXJlLWtleS0wMTIzNDU2Nzg5") -> Draft:
    return draft(
        "azure-blob",
        "storage",
        "shared_key",
        {"account_key": key},
        account="e2eaccount",
        container="e2e",
        endpoint=endpoint,
    )


def postgresql(uri: str) -> Draft:
    return draft("postgresql", "storage", "connection_string", {"connection_string": uri})


ACME = "acme"


def acme(base_url: str, key: str = "acme-key-0123456789") -> Draft:
    """Of a workspace's own integration, once `define_acme` was called: a connector whose test is a request."""
    return draft(ACME, "connectors", "api_key", {"api_key": key}, base_url=base_url)


def define_acme(client: httpx.Client) -> None:
    field = {"key": "api_key", "label": "API Key", "type": "password", "required": True}
    apply = [{"in": "header", "name": "X-Acme-Key", "value": "{api_key}"}]
    method = {"id": "api_key", "name": "API key", "type": "api_key", "auth_type": "api_key", "description": "A key."}
    definition = {
        "id": ACME,
        "name": "Acme",
        "type": "connectors",
        "category": "crm",
        "description": "Acme's customers.",
        "docs_url": "https://acme.example/",
        "base_url": "{base_url}",
        "auth_methods": [{**method, "fields": [field], "apply": apply}],
        "config": [{"key": "base_url", "label": "Base URL", "type": "url", "required": True}],
        "identity": {"from": "test", "id": ["user.id"], "label": "user.email"},
        "test": {
            "url": "/me",
            "error_code": "error.code",
            "meanings": {"token_revoked": "grant", "no_seat": "scope"},
            "expects": "user.id",
        },
    }
    ok(client.post(f"{API}/integrations", json=definition))


@dataclass(frozen=True)
class Told:
    """What a test said."""

    body: dict[str, Any]

    def __str__(self) -> str:
        """`invalid credential_rejected: connect http auth!`, with ! for failed and ? for inconclusive."""
        layers = " ".join(layer["layer"] + _MARKS[layer["outcome"]] for layer in self.body["layers"])
        return f"{self.body['verdict']} {self.body['reason_code']}: {layers}".rstrip(": ")

    @property
    def label(self) -> str | None:
        return self.body["identity"] and self.body["identity"]["label"]

    @property
    def detail(self) -> str | None:
        """Of the last layer."""
        return self.body["layers"][-1]["detail"]

    @property
    def message(self) -> str:
        return self.body["message"]


def look(client: httpx.Client, draft: Draft) -> Told:
    """Tests what is not saved."""
    return told(client.post(TEST, json=draft), draft)


def look_again(client: httpx.Client, connection_id: str) -> Told:
    """Tests what is saved."""
    return told(client.post(f"{CONNECTIONS}/{connection_id}/test"))


def told(response: httpx.Response, sent: Draft | None = None) -> Told:
    body = ok(response)
    check(body)
    nest = Nest()
    for name, value in ((sent or {}).get("credentials") or {}).items():
        if isinstance(value, str) and len(value) >= 8 and name not in ("header_name", "username", "access_key_id"):
            nest.plant(name, value)
    assert nest.found_in("the answer", response.content) == []
    return Told(body)


def check(body: dict[str, Any]) -> None:
    """What holds of every answer to a test."""
    assert list(body) == ["verdict", "layers", "reason_code", "message", "identity", "checked_at"]
    assert body["message"].endswith(".") and 10 < len(body["message"]) < 300, body["message"]
    order = ["dns", "connect", "tls", "http", "auth", "scope", "protocol"]
    names = [layer["layer"] for layer in body["layers"]]
    assert names == sorted(set(names), key=order.index), names
    for layer in body["layers"]:
        assert set(layer) == {"layer", "outcome", "duration_ms", "detail"}
        assert layer["duration_ms"] is None or 0 <= layer["duration_ms"] < 60_000
        assert layer["detail"] is None or len(layer["detail"]) <= 200
    outcomes = [layer["outcome"] for layer in body["layers"]]
    last = {"valid": "passed", "invalid": "failed", "inconclusive": "inconclusive"}[body["verdict"]]
    # What is not known before the end is known by nobody: all before it was passed.
    assert outcomes in ([], ["passed"] * (len(outcomes) - 1) + [last]), outcomes


def create(client: httpx.Client, draft: Draft, **fields: Any) -> str:
    return ok(client.post(CONNECTIONS, json={**draft, **fields}))["id"]


def read(client: httpx.Client, connection_id: str) -> dict[str, Any]:
    return ok(client.get(f"{CONNECTIONS}/{connection_id}"))


def timeline(client: httpx.Client, connection_id: str, **query: Any) -> dict[str, Any]:
    return ok(client.get(f"{CONNECTIONS}/{connection_id}/timeline", params=query))
