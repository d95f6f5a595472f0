"""MCP servers made with the official SDK, each on a port of its own: open, protected, of the older and the newer era.

What each was asked stands at `/_seen`: method and session, never a token.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import JSONResponse

# Revisions from this one on need no handshake.
STATELESS_ERA = b"2026"

App = Callable[..., Any]


class Tokens:
    """Who holds which token. One of them lacks a scope."""

    def __init__(self, good: str, narrow: str):
        self._scopes = {good: ["use"], narrow: ["look"]}

    async def verify_token(self, token: str) -> AccessToken | None:
        if token not in self._scopes:
            return None
        return AccessToken(token=token, client_id="e2e", scopes=self._scopes[token])


def desk(name: str, tokens: Tokens | None = None, has_tools: bool = True) -> MCPServer:
    """A server with two tools."""
    guard: dict[str, Any] = {}
    if tokens is not None:
        settings = AuthSettings(
            issuer_url="https://issuer.example",
            resource_server_url="https://desk.example",
            required_scopes=["use"],
            validate_token_resource=False,
        )
        guard = {"token_verifier": tokens, "auth": settings}
    server = MCPServer(name, version="3.1", log_level="WARNING", **guard)
    if has_tools:

        @server.tool()
        def add(a: int, b: int) -> int:
            """Adds two numbers."""
            return a + b

        @server.tool()
        def greet(name: str) -> str:
            """Greets somebody."""
            return f"Hello {name}"

    return server


class Observed:
    """Stands before an app, remembers what it is asked, and may keep the newer era from it."""

    def __init__(self, app: App, is_older: bool):
        self._app, self._is_older = app, is_older
        self._seen: list[dict[str, str | None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if scope["path"] == "/_seen":
            return await JSONResponse(self._seen)(scope, receive, send)
        headers = dict(scope["headers"])
        session = headers.get(b"mcp-session-id")
        self._seen.append({"method": scope["method"], "session": session and session.decode()})
        if self._is_older and headers.get(b"mcp-protocol-version", b"").startswith(STATELESS_ERA):
            # The SDK's older transport sees a request without a handshake then, as servers of that time did.
            known = [header for header in scope["headers"] if header[0] not in (b"mcp-protocol-version", b"mcp-method")]
            scope = {**scope, "headers": known}
        await self._app(scope, receive, send)


def application(server: MCPServer, is_older: bool = False, **options: Any) -> Observed:
    # Tests reach it by names and ports of their own choice.
    anyone = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return Observed(server.streamable_http_app(transport_security=anyone, **options), is_older)


async def serve() -> None:
    tokens = Tokens(os.environ["MCP_TOKEN"], os.environ["MCP_NARROW_TOKEN"])
    apps = {
        "open": application(desk("Open desk")),
        "protected": application(desk("Protected desk", tokens)),
        "older_events": application(desk("Older desk"), is_older=True),
        "older_json": application(desk("Older desk"), is_older=True, json_response=True),
        "older_sessionless": application(desk("Older desk"), is_older=True, stateless_http=True),
        "older_protected": application(desk("Older desk", tokens), is_older=True),
    }
    servers, addresses = [], {}
    for name, app in apps.items():
        listener = socket.create_server(("127.0.0.1", 0))
        addresses[name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="warning", lifespan="on")
        servers.append((uvicorn.Server(config), listener))
    tasks = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers]
    while not all(server.started for server, _ in servers):
        await asyncio.sleep(0.01)
    print(json.dumps(addresses), flush=True)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(serve())
