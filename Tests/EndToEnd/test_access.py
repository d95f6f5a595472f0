"""Who may come in: API keys in either header, and user tokens (JWT)."""

import base64
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from support import tokens
from support.api import API, CONNECTIONS, KEYS, Tenant, create_custom, create_key, make_tenant, never_an_id, ok
from support.server import Server
from support.tokens import encode, sign_anything

SESSION = f"{API}/auth/session"


class TestKeys:
    def test_either_header(self, server: Server, tenant: Tenant) -> None:
        both = {"Authorization": f"Bearer {tenant.key}", "X-API-Key": tenant.key}
        with server.client() as client:
            for headers in ({"X-API-Key": tenant.key}, {"Authorization": f"bearer {tenant.key}"}, both):
                assert ok(client.get(SESSION, headers=headers))["api_key"]["id"] == tenant.key_id

    def test_refused(self, server: Server, tenant: Tenant) -> None:
        other = create_key(tenant.client)["secret"]
        for headers in (
            {},
            {"Authorization": f"Bearer {tenant.key}", "X-API-Key": other},
            {"Authorization": f"Bearer {tenant.key}", "X-API-Key": "nonsense"},
            {"Authorization": "Bearer nonsense", "X-API-Key": tenant.key},
            {"Authorization": tenant.key},
            {"Authorization": f"Token {tenant.key}"},
            {"Authorization": "Basic " + base64.b64encode(f"{tenant.key}:".encode()).decode()},
            {"Authorization": "Bearer"},
            {"Authorization": f"Bearer {tenant.key} {tenant.key}"},
            {"Authorization": f"Bearer {tenant.key[:-1]}"},
            {"Authorization": f"Bearer {tenant.key}0"},
            {"Authorization": f"Bearer {tenant.key.swapcase()}"},
            {"Authorization": f"Bearer {tenant.key_id}"},
            {"X-API-Key": "x" * 7000},
        ):
            with server.client() as client:
                answer = client.get(SESSION, headers=headers)
            assert answer.status_code == 401, headers
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert isinstance(answer.json()["detail"], str)

    def test_shape(self, client: httpx.Client) -> None:
        made = create_key(client, label="CI", permissions=["read"])
        assert re.fullmatch(r"pbk_[0-9A-HJKMNP-TV-Z]{26}_[A-Za-z0-9_-]{43,}", made["secret"])
        assert made["secret"].startswith(made["key"])
        assert (made["label"], made["status"], made["permissions"]) == ("CI", "active", ["read"])
        read = ok(client.get(f"{KEYS}/{made['id']}"))
        assert read == {name: value for name, value in made.items() if name != "secret"}

    @pytest.mark.parametrize("how", ["delete", "deactivate"])
    def test_revoked_means_from_the_next_request_on(self, server: Server, tenant: Tenant, how: str) -> None:
        made = create_key(tenant.client)
        # Its own connection stays open, so that nothing that is remembered of it helps.
        with server.client(made["secret"]) as client:
            ok(client.get(CONNECTIONS))
            if how == "delete":
                assert tenant.client.delete(f"{KEYS}/{made['id']}").status_code == 204
            else:
                ok(tenant.client.put(f"{KEYS}/{made['id']}", json={"status": "inactive"}))
            for path in (CONNECTIONS, SESSION):
                assert client.get(path).status_code == 401
            assert client.post(CONNECTIONS, json={}).status_code == 401
            if how == "deactivate":
                ok(tenant.client.put(f"{KEYS}/{made['id']}", json={"status": "active"}))
                ok(client.get(CONNECTIONS))

    def test_less_permission_means_from_the_next_request_on(self, server: Server, tenant: Tenant) -> None:
        made = create_key(tenant.client)
        with server.client(made["secret"]) as client:
            connection = create_custom(client)
            ok(tenant.client.put(f"{KEYS}/{made['id']}", json={"permissions": ["read"]}))
            assert client.put(f"{CONNECTIONS}/{connection['id']}", json={"label": "x"}).status_code == 403
            ok(client.get(f"{CONNECTIONS}/{connection['id']}"))

    def test_each_permission_by_itself(self, server: Server, tenant: Tenant) -> None:
        """None implies another. Any key may ask who it is."""
        connection = create_custom(tenant.client)
        address = f"{CONNECTIONS}/{connection['id']}"
        for permission, allowed in {"read": {"GET"}, "write": {"PUT"}, "secrets": set(), "admin": {"KEYS"}}.items():
            with server.client(create_key(tenant.client, permissions=[permission])["secret"]) as client:
                answers = {
                    "GET": client.get(address),
                    "PUT": client.put(address, json={"label": permission}),
                    "KEYS": client.get(KEYS),
                }
                for name, answer in answers.items():
                    assert answer.status_code == (200 if name in allowed else 403), (permission, name)
                assert ok(client.get(SESSION))["permissions"] == [permission]

    def test_from_elsewhere(self, server: Server, tenant: Tenant) -> None:
        far = create_key(tenant.client, ip_whitelist=["192.0.2.0/24", "2001:db8::/32"])["secret"]
        with server.client(far, headers={"X-Forwarded-For": "192.0.2.1"}) as client:
            assert client.get(CONNECTIONS).status_code in (401, 403)
        near = create_key(tenant.client, ip_whitelist=["192.0.2.0/24", "127.0.0.1"])["secret"]
        with server.client(near) as client:
            ok(client.get(CONNECTIONS))


class TestUserTokens:
    @pytest.fixture
    def ask(self, server: Server) -> Iterator[Callable[..., httpx.Response]]:
        with server.client() as client:

            def ask(token: str, method: str = "GET", path: str = CONNECTIONS, **options: Any) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
                return client.request(method, path, headers=headers, **options)

            yield ask

    def test_a_user(self, ask: Callable, tenant: Tenant, jwt_secret: str) -> None:
        token = tokens.sign(tokens.claims(tenant.workspace), jwt_secret)
        for form in (token, f"supabase_{token}"):
            session = ok(ask(form, path=SESSION))
            assert (session["auth_type"], session["auth_provider"]) == ("bearer_token", "jwt")
            assert session["user"]["id"] == "e2e-user"
            assert session["workspace"]["id"] == tenant.workspace
            assert sorted(session["permissions"]) == ["read", "write"]
            assert session["api_key"] is None
        body = {"integration": "e2e-thing", "integration_type": "custom"}
        made = ok(ask(token, "POST", json=body))
        assert (made["user_id"], made["workspace_id"]) == ("e2e-user", tenant.workspace)
        assert ok(ask(token, path=f"{CONNECTIONS}/users/e2e-user"))["total"] == 1

    def test_what_it_may_do(self, ask: Callable, tenant: Tenant, jwt_secret: str) -> None:
        for permissions, read, write in ((("read",), 200, 403), (("write",), 403, 200), ((), 403, 403)):
            token = tokens.sign(tokens.claims(tenant.workspace, permissions=permissions), jwt_secret)
            assert ask(token).status_code == read
            body = {"integration": "e2e-thing", "integration_type": "custom"}
            assert ask(token, "POST", json=body).status_code == write

    def test_several_workspaces_and_none(self, ask: Callable, server: Server, tenant: Tenant, jwt_secret: str) -> None:
        other = make_tenant(server)
        token = tokens.sign(tokens.claims(tenant.workspace, other.workspace), jwt_secret)
        assert ask(token).status_code == 422
        for workspace in (tenant.workspace, other.workspace):
            session = ok(ask(token, path=SESSION, headers={"X-Workspace-Id": workspace}))
            assert session["workspace"]["id"] == workspace
        third = make_tenant(server).workspace
        answers = [ask(token, headers={"X-Workspace-Id": asked}) for asked in (third, never_an_id("wsp"))]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
        assert ask(tokens.sign(tokens.claims(), jwt_secret)).status_code == 403
        # A workspace that does not exist is no workspace.
        assert ask(tokens.sign(tokens.claims(never_an_id("wsp")), jwt_secret)).status_code in (403, 404)

    def test_time(self, ask: Callable, tenant: Tenant, jwt_secret: str) -> None:
        now = int(time.time())
        for exp, expected in ((now - 30, 200), (now - 90, 401), (0, 401), (now + 600, 200)):
            token = tokens.sign(tokens.claims(tenant.workspace, exp=exp), jwt_secret)
            assert ask(token).status_code == expected, exp - now

    @pytest.mark.parametrize(
        "change",
        [
            {"iss": None},
            {"iss": "https://login.e2e.test/"},
            {"iss": tokens.ISSUER + "/"},
            {"aud": None},
            {"aud": "anon"},
            {"aud": []},
            {"aud": ["other", "another"]},
            {"exp": None},
            {"exp": "tomorrow"},
            {"sub": None},
            {"sub": ""},
            {"sub": 5},
            {"role": "anon"},
            {"role": "service_role"},
        ],
        ids=str,
    )
    def test_claims_that_are_refused(
        self, ask: Callable, tenant: Tenant, jwt_secret: str, change: dict[str, Any]
    ) -> None:
        # By hand: the library that makes tokens refuses to make some of these.
        payload = {**tokens.claims(tenant.workspace), **change}
        token = sign_anything({k: v for k, v in payload.items() if v is not None}, jwt_secret)
        answer = ask(token)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "change", [{"aud": ["other", tokens.AUDIENCE]}, {"role": None}, {"iat": None}, {"more": [1]}], ids=str
    )
    def test_claims_that_are_taken(
        self, ask: Callable, tenant: Tenant, jwt_secret: str, change: dict[str, Any]
    ) -> None:
        assert ask(tokens.sign(tokens.claims(tenant.workspace, **change), jwt_secret)).status_code == 200

    @pytest.mark.parametrize(
        "header", [{"jku": "https://x.test/k"}, {"jwk": {}}, {"x5u": "https://x.test/c"}, {"crit": ["exp"]}], ids=str
    )
    def test_headers_that_are_refused(
        self, ask: Callable, tenant: Tenant, jwt_secret: str, header: dict[str, Any]
    ) -> None:
        assert ask(sign_anything(tokens.claims(tenant.workspace), jwt_secret, header)).status_code == 401

    def test_signatures_that_are_refused(self, ask: Callable, tenant: Tenant, jwt_secret: str) -> None:
        good = tokens.claims(tenant.workspace)
        head, payload, signature = tokens.sign(good, jwt_secret).split(".")
        rsa_key = rsa.generate_private_key(65537, 2048)
        bad = [
            tokens.sign(good, secrets.token_urlsafe(48)),
            tokens.sign(good, jwt_secret, "HS384"),
            tokens.sign(good, jwt_secret, "HS512"),
            tokens.sign(good, rsa_key, "RS256"),
            tokens.sign(good, "", "none"),
            *(f"{encode({'alg': alg, 'typ': 'JWT'})}.{payload}." for alg in ("none", "None", "NONE", "HS256")),
            f"{encode({'alg': 'none', 'typ': 'JWT'})}.{payload}.{signature}",
            f"{head}.{payload}",
            f"{head}.{payload}.",
            f"{head}.{encode({**good, 'sub': 'somebody-else'})}.{signature}",
            f"{head}.{payload}.{signature}.{signature}",
            f"{head}..{signature}",
            f"supabase_supabase_{head}.{payload}.{signature}",
        ]
        for token in bad:
            assert ask(token).status_code == 401, token

    def test_a_tenant_may_not_be_told_by_the_user(self, ask: Callable, tenant: Tenant, jwt_secret: str) -> None:
        """What users write about themselves (`user_metadata`) carries nothing."""
        own_word = {"workspaces": [tenant.workspace], "permissions": ["read", "admin"]}
        token = tokens.sign(tokens.claims(user_metadata=own_word, app_metadata=None, **own_word), jwt_secret)
        assert ask(token).status_code == 403

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
    def test_a_public_key(self, make_server: Callable[..., Server], tmp_path: Path, algorithm: str) -> None:
        private: Any = {
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[algorithm]()
        pem = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (tmp_path / "public.pem").write_bytes(pem)
        server = make_server(
            {
                "PATCHBAY_JWT_PUBLIC_KEY": str(tmp_path / "public.pem"),
                "PATCHBAY_JWT_ISSUER": tokens.ISSUER,
                "PATCHBAY_JWT_AUDIENCE": tokens.AUDIENCE,
            }
        ).start()
        workspace = make_tenant(server).workspace
        good = tokens.claims(workspace)
        with server.client(tokens.sign(good, private, algorithm)) as client:
            ok(client.get(CONNECTIONS))
        # The public key is no secret, so nothing that it signs as one counts.
        confused = [sign_anything(good, key) for key in (pem.decode(), pem.decode().strip())]
        for token in (*confused, f"{encode({'alg': 'none'})}.{encode(good)}."):
            with server.client(token) as client:
                assert client.get(CONNECTIONS).status_code == 401
