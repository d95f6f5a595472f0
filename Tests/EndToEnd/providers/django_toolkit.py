"""django-oauth-toolkit: OAuth 2 and OIDC with required PKCE, and rotation of refresh tokens with reuse protection.

Run as `python -m providers.django_toolkit FOLDER`; the database goes to the folder, the address to standard output.
"""

import os
import secrets
import sys
from pathlib import Path
from typing import Any

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

from providers.control import PASSWORD, PEOPLE, SCOPES, serve

# Seconds that an access token of a client lives, where a test has said so.
LIFETIMES: dict[str, int] = {}

LOGIN_PAGE = """<!doctype html><title>Sign in</title><h1>Sign in</h1><form method="post">{% csrf_token %}
{{ form.as_p }}<input type="hidden" name="next" value="{{ next }}"><button name="sign-in">Sign in</button></form>"""


def lifetime(request: Any) -> int:
    return LIFETIMES.get(request.client.client_id if request.client else "", 3600)


def configure(folder: Path) -> None:
    # The tests are on loopback, where there is no TLS.
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    apps = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
    apps += ["django.contrib.staticfiles", "oauth2_provider"]
    settings.configure(
        SECRET_KEY=secrets.token_urlsafe(48),
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="providers.django_urls",
        INSTALLED_APPS=apps,
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN_PAGE}),
                        "django.template.loaders.app_directories.Loader",
                    ],
                    "context_processors": ["django.template.context_processors.request"],
                },
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "provider.db",
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    "timeout": 30,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
                },
            }
        },
        # Tables are made from the models at once, which saves seconds that the migrations would take.
        MIGRATION_MODULES={app.rpartition(".")[2]: None for app in apps},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # Fast, as the passwords here protect nothing.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STATIC_URL="/static/",
        LOGIN_URL="/sign-in",
        USE_TZ=True,
        LOGGING_CONFIG=None,
        OAUTH2_PROVIDER={
            "PKCE_REQUIRED": True,
            "ROTATE_REFRESH_TOKEN": True,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
            "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": key.decode(),
            "SCOPES": SCOPES,
            "DEFAULT_SCOPES": ["read"],
            "EXTRA_SERVER_KWARGS": {"token_expires_in": lifetime},
            "OAUTH2_VALIDATOR_CLASS": "providers.django_urls.Validator",
            # The current best practice (RFC 9700), with RFC 9207's iss in every authorization response.
            "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
            "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
            "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
            "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
            "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
            "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
        },
    )
    django.setup()


class DjangoToolkit:
    """The provider, as the control plane sees it."""

    endpoints = {"token": "/o/token/", "revoke": "/o/revoke_token/"}

    def __init__(self, folder: Path):
        configure(folder)
        from django.contrib.auth import get_user_model
        from django.contrib.staticfiles.handlers import StaticFilesHandler
        from django.core.management import call_command
        from django.core.wsgi import get_wsgi_application

        call_command("migrate", run_syncdb=True, verbosity=0)
        for name in PEOPLE:
            get_user_model().objects.create_user(name, f"{name}@example.com", PASSWORD)
        self.app = StaticFilesHandler(get_wsgi_application())

    def create_client(self, client_id: str, client_secret: str, public: bool) -> None:
        from oauth2_provider.models import Application

        Application.objects.create(
            client_id=client_id,
            client_secret=client_secret,
            client_type=Application.CLIENT_PUBLIC if public else Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
            algorithm=Application.RS256_ALGORITHM,
            name="Patchbay, as tested",
        )

    def change_client(
        self,
        client_id: str,
        redirect_uris: list[str] | None = None,
        client_secret: str | None = None,
        lifetime: int | None = None,
    ) -> None:
        from oauth2_provider.models import Application

        if lifetime is not None:
            LIFETIMES[client_id] = lifetime
        application = Application.objects.get(client_id=client_id)
        if redirect_uris is not None:
            application.redirect_uris = " ".join(redirect_uris)
        if client_secret is not None:
            application.client_secret = client_secret
        application.save()

    def withdraw(self, client_id: str) -> None:
        """All that people allowed to this client is taken back, as on the provider's own page."""
        from oauth2_provider.models import AccessToken, RefreshToken

        for token in RefreshToken.objects.filter(application__client_id=client_id, revoked=None):
            token.revoke()
        AccessToken.objects.filter(application__client_id=client_id).delete()


if __name__ == "__main__":
    serve(lambda url: DjangoToolkit(Path(sys.argv[1])))
