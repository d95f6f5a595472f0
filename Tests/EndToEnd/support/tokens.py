"""User tokens (JWT) as an application's login would make them."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt

ISSUER = "https://login.e2e.test/auth/v1"
AUDIENCE = "authenticated"


def claims(*workspaces: str, permissions: tuple[str, ...] = ("read", "write"), **changes: Any) -> dict[str, Any]:
    """Claims that are accepted, but for the changes; None removes one."""
    now = int(time.time())
    result: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "e2e-user",
        "exp": now + 600,
        "iat": now,
        "role": "authenticated",
        "app_metadata": {"workspaces": list(workspaces), "permissions": list(permissions)},
        **changes,
    }
    return {name: value for name, value in result.items() if value is not None}


def sign(payload: dict[str, Any], key: Any, algorithm: str = "HS256", headers: dict[str, Any] | None = None) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


def encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def sign_anything(payload: dict[str, Any], secret: str, header: dict[str, Any] | None = None) -> str:
    """HS256 without a library's opinion of what goes in."""
    signed = f"{encode({'alg': 'HS256', 'typ': 'JWT', **(header or {})})}.{encode(payload)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
