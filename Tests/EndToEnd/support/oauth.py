"""Short words for the OAuth endpoints, and a stage on which a flow is played: server, tenant, provider, application."""

from dataclasses import dataclass
from typing import Any

import httpx

from support.api import API, CONNECTIONS, EVERYTHING, Tenant, create_key, ok
from support.person import Person
from support.provider import Provider, Registration
from support.server import Server

APPS = f"{API}/oauth/apps"
INITIATE = f"{API}/oauth/initiate"
CONFIRM = f"{API}/oauth/confirm"
REFRESH = f"{API}/oauth/refresh"
INTEGRATIONS = f"{API}/integrations"

# What an OAuth test's server gets: it may reach this machine, and it is called by a name of another site than the
# providers', which are 127.0.0.1, so that cookies meet what they meet in the world.
ENVIRONMENT = {
    "PATCHBAY_EGRESS_ALLOW": "127.0.0.1/32",
    "PATCHBAY_PUBLIC_URL": "http://localhost:{port}",
    # Whatever anybody might log is asked for.
    "PATCHBAY_LOG_LEVEL": "trace",
}


def public_url(server: Server) -> str:
    return f"http://localhost:{server.port}"


def endpoints(provider: Provider, integration: str) -> dict[str, str]:
    """The config that names a provider, for the two generic integrations."""
    if integration == "oidc":
        return {"issuer": provider.issuer, "base_url": provider.base_url}
    return {
        "authorize_url": provider.authorize_url,
        "token_url": provider.token_url,
        "revoke_url": provider.revoke_url,
        "base_url": provider.base_url,
    }


def scopes(integration: str) -> list[str]:
    return ["openid", "profile", "email", "read"] if integration == "oidc" else ["read"]


@dataclass(frozen=True)
class App:
    """An OAuth app of a tenant, with its registration at the provider."""

    tenant: Tenant
    read: dict[str, Any]
    registration: Registration

    @property
    def id(self) -> str:
        return self.read["id"]

    @property
    def callback(self) -> str:
        return self.read["redirect_uri"]

    @property
    def integration(self) -> str:
        return self.read["integration"]

    def initiate(self, **fields: Any) -> dict[str, Any]:
        body = {"integration_id": self.integration, "app_id": self.id, **fields}
        return ok(self.tenant.client.post(INITIATE, json=body))

    def is_callback(self, url: str) -> bool:
        return url.split("?")[0] == self.callback

    def arrive(self, person: Person, flow: dict[str, Any], allow: bool = True) -> str:
        """From the connect link over the provider to the callback's address, which is not visited."""
        return person.walk(flow["connect_url"], self.is_callback, allow)

    def connect(self, name: str = "alice", **fields: Any) -> str:
        """A whole flow without confirmation. Returns the id of the connection."""
        known = set(connection_ids(self.tenant.client))
        with Person(name) as person:
            page = person.finish(self.initiate(confirm=False, **fields)["connect_url"])
        went_well = page.status_code == 200 and "status=error" not in str(page.request.url)
        assert went_well, f"{page.request.url}: {page.status_code} {page.text}"
        if "connection_id" in fields:
            return fields["connection_id"]
        made = set(connection_ids(self.tenant.client)) - known
        assert len(made) == 1, f"a flow that ended well made {len(made)} connections:\n{page.text}"
        return made.pop()


def register_app(
    tenant: Tenant,
    provider: Provider,
    integration: str = "oauth2",
    *,
    public: bool = False,
    registration: Registration | None = None,
    **fields: Any,
) -> App:
    """An application at the provider and the app for it here, each knowing the other's address."""
    registration = registration or provider.register(public=public)
    body = {
        "integration": integration,
        "auth_method_id": "oauth2",
        "client_id": registration.client_id,
        "scopes": scopes(integration),
        "config": endpoints(provider, integration),
        **({"token_endpoint_auth_method": "none"} if public else {"client_secret": registration.client_secret}),
        **fields,
    }
    read = ok(tenant.client.post(APPS, json=body))
    registration.change(redirect_uris=[read["redirect_uri"]])
    return App(tenant, read, registration)


def connection_ids(client: httpx.Client) -> list[str]:
    return [connection["id"] for connection in ok(client.get(CONNECTIONS, params={"limit": 1000}))["connections"]]


def connection(client: httpx.Client, connection_id: str) -> dict[str, Any]:
    """The connection, with what is known of its grant beside it."""
    read = ok(client.get(f"{CONNECTIONS}/{connection_id}", params={"include_credential": "true"}))
    return {**(read["credential"]["oauth"] or {}), **read}


def read_token(client: httpx.Client, connection_id: str) -> httpx.Response:
    return client.post(f"{CONNECTIONS}/{connection_id}/token")


def token_of(client: httpx.Client, connection_id: str) -> dict[str, Any]:
    """The token of a connection that has to have one."""
    told = ok(read_token(client, connection_id))
    assert "access_token" in told, f"no token but {told}"
    return told


def access_token(client: httpx.Client, connection_id: str) -> str:
    return token_of(client, connection_id)["access_token"]


def refresh(client: httpx.Client, connection_id: str) -> httpx.Response:
    return client.post(f"{REFRESH}/{connection_id}")


def client_with(server: Server, tenant: Tenant, *permissions: str) -> httpx.Client:
    """A client of the same workspace that may do this and no more."""
    assert set(permissions) <= set(EVERYTHING)
    return server.client(create_key(tenant.client, permissions=list(permissions))["secret"])
