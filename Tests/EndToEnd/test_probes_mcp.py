"""MCP servers made with the official SDK: both eras of the protocol, open and protected, by JSON and by events."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from support.peers import McpServers
from support.probes import look, mcp
from support.scripted import Reply, Scripted, Visit

CASES = {
    "open": ("open", None, "valid verified: connect http protocol"),
    "open, with a token that nobody asks for": ("open", "any", "valid verified: connect http auth protocol"),
    "the right token": ("protected", "good", "valid verified: connect http auth protocol"),
    "a wrong token": ("protected", "wrong", "invalid credential_rejected: connect http auth!"),
    "no token": ("protected", None, "invalid credential_rejected: connect http auth!"),
    "a token without the scope": ("protected", "narrow", "invalid permission_denied: connect http auth scope!"),
    "older, by events": ("older_events", None, "valid verified: connect http protocol"),
    "older, by JSON": ("older_json", None, "valid verified: connect http protocol"),
    "older, without sessions": ("older_sessionless", None, "valid verified: connect http protocol"),
    "older, the right token": ("older_protected", "good", "valid verified: connect http auth protocol"),
    "older, a wrong token": ("older_protected", "wrong", "invalid credential_rejected: connect http auth!"),
    "older, no token": ("older_protected", None, "invalid credential_rejected: connect http auth!"),
    "older, a token without the scope": (
        "older_protected",
        "narrow",
        "invalid permission_denied: connect http auth scope!",
    ),
}


def token(servers: McpServers, kind: str | None) -> str | None:
    return {None: None, "good": servers.token, "narrow": servers.narrow_token}.get(kind, "no-such-token-01")


@pytest.mark.parametrize("case", CASES)
def test_a_server_of_the_sdk(prober: httpx.Client, mcp_servers: McpServers, case: str) -> None:
    name, kind, expected = CASES[case]
    before = len(mcp_servers.seen(name))
    told = look(prober, mcp(mcp_servers.url(name), token(mcp_servers, kind)))
    assert str(told) == expected
    if expected.startswith("valid"):
        assert told.detail is not None and told.detail.endswith("desk 3.1, 2 tools")
        assert told.label is not None and told.label.endswith(" desk")
    else:
        assert told.label is None
    # What was opened is closed: each session ends with a DELETE, and it is the last word in it.
    seen = mcp_servers.seen(name)[before:]
    sessions = {request["session"] for request in seen} - {None}
    has_sessions = name.startswith("older") and name != "older_sessionless" and expected.startswith("valid")
    assert len(sessions) == int(has_sessions)
    for session in sessions:
        assert [request["method"] for request in seen if request["session"] == session][-1] == "DELETE"


def test_what_is_elsewhere(prober: httpx.Client, mcp_servers: McpServers) -> None:
    told = look(prober, mcp(f"{mcp_servers.told['open']}/nowhere"))
    assert str(told) == "inconclusive unexpected_answer: connect http protocol?"


def test_a_header_of_ones_own(prober: httpx.Client, mcp_servers: McpServers) -> None:
    """The method for servers that want another header or scheme."""
    values = {"header_name": "Authorization", "header_value": f"Bearer {mcp_servers.token}"}
    draft = {**mcp(mcp_servers.url("protected")), "auth_method_id": "header", "credentials": values}
    assert str(look(prober, draft)) == "valid verified: connect http auth protocol"
    draft = {**draft, "credentials": {**values, "header_value": mcp_servers.token}}
    assert str(look(prober, draft)) == "invalid credential_rejected: connect http auth!"


# Servers that break the protocol


def rpc(visit: Visit, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": json.loads(visit.body).get("id"), **members}


def handshake(visit: Visit, version: str = "2025-06-18", **headers: str) -> Reply:
    match json.loads(visit.body)["method"]:
        case "initialize":
            info = {"name": "Scripted", "version": "0"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
            return Reply.json(rpc(visit, result=result), **headers)
        case "notifications/initialized":
            return Reply(202)
        case "tools/list":
            return Reply.json(rpc(visit, result={"tools": [{"name": "a", "inputSchema": {"type": "object"}}]}))
    return Reply.json(rpc(visit, error={"code": -32601, "message": "Method not found"}), 404)


def endless(visit: Visit) -> Reply:
    """Tools without an end: every page has another."""
    if json.loads(visit.body)["method"] == "tools/list":
        return Reply.json(rpc(visit, result={"tools": [], "nextCursor": "again"}))
    return handshake(visit)


BROKEN: dict[str, tuple[Callable[[Visit], Reply], str]] = {
    "a good one": (handshake, "valid verified: connect http protocol"),
    "an unknown version": (
        lambda visit: handshake(visit, "1999-01-01"),
        "inconclusive unsupported_protocol_version: connect http protocol?",
    ),
    "a session's name that is none": (
        lambda visit: handshake(visit, **{"Mcp-Session-Id": "a b"}),
        "valid verified: connect http protocol",
    ),
    "JSON that is not JSON-RPC": (
        lambda visit: Reply.json({"hello": "world"}),
        "inconclusive unexpected_answer: connect http protocol?",
    ),
    "nothing": (lambda visit: Reply(200), "inconclusive unexpected_answer: connect http protocol?"),
    "accepted, and no answer": (lambda visit: Reply(202), "inconclusive unexpected_answer: connect http protocol?"),
    "an answer to somebody else": (
        lambda visit: Reply.json({"jsonrpc": "2.0", "id": 99, "result": {}}),
        "inconclusive unexpected_answer: connect http protocol?",
    ),
    "tools without an end": (endless, "valid verified: connect http protocol"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_server_of_somebody_s_own(prober: httpx.Client, scripted: Scripted, case: str) -> None:
    answer, expected = BROKEN[case]
    scripted.on("POST", "/mcp", answer)
    told = look(prober, mcp(f"{scripted.url}/mcp"))
    assert str(told) == expected
    assert len(scripted.visits) <= 10
    if case == "tools without an end":
        assert told.detail == "Scripted 0, 0 tools and more"
