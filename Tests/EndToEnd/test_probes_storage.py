"""Stores and databases: moto's S3 server, which checks signatures, and a PostgreSQL server of Debian's."""

import httpx
import pytest

from support.authority import Authority, Certificate
from support.peers import S3Server
from support.postgres import PostgresServer
from support.probes import draft, look, minio, postgresql, s3

GOOD = "valid verified: connect http auth scope protocol"
REFUSED = "invalid credential_rejected: connect http auth!"

# The key, what is changed of it, what is changed of the config, and what a test says.
S3_CASES: dict[str, tuple[str, dict[str, str | None], dict[str, str], str]] = {
    "a good key": ("good", {}, {}, GOOD),
    "a temporary key": ("temporary", {}, {}, GOOD),
    "a wrong secret": ("good", {"secret_access_key": "x" * 40}, {}, REFUSED),
    "an unknown key": ("good", {"access_key_id": "AKIA" + "A" * 16}, {}, REFUSED),
    "a wrong session": ("temporary", {"session_token": "x" * 40}, {}, REFUSED),
    "a session left out": ("temporary", {"session_token": None}, {}, REFUSED),
    "a key that is none": ("good", {"access_key_id": "AKIA AKIA"}, {}, "invalid malformed_credential: auth!"),
    "a key that may not list": ("may_not_list", {}, {}, "invalid permission_denied: connect http auth scope!"),
    "no such bucket": ("good", {}, {"bucket": "another-bucket"}, "invalid bucket_not_found: connect http protocol!"),
    "a bucket that may not be": (
        "good",
        {},
        {"endpoint": "http://127.0.0.2:9"},
        "inconclusive destination_refused",
    ),
}


@pytest.mark.parametrize("case", S3_CASES)
def test_s3(prober: httpx.Client, s3_server: S3Server, case: str) -> None:
    name, key, config, expected = S3_CASES[case]
    credentials = {field: value for field, value in {**s3_server.key(name), **key}.items() if value is not None}
    told = look(prober, s3({**s3_server.config, **config}, credentials))
    assert str(told) == expected
    assert told.label == (s3_server.config["bucket"] if expected == GOOD else None)


def test_minio(prober: httpx.Client, s3_server: S3Server) -> None:
    assert str(look(prober, minio(s3_server.config, s3_server.key("good")))) == GOOD


# PostgreSQL

LOGGED_IN = "valid verified: connect auth protocol"
LOGGED_IN_BY_TLS = "valid verified: connect tls auth protocol"
NO_ENTRY = "invalid credential_rejected: connect auth!"

# User, password (None for the right one), database, and what a test says.
LOGINS: dict[str, tuple[str, str | None, str, str]] = {
    "a good password": ("alice", None, "shop", LOGGED_IN),
    "one of the older kind": ("old", None, "shop", LOGGED_IN),
    "nobody asks for one": ("open", None, "shop", LOGGED_IN),
    "a wrong password": ("alice", "wrong-password", "shop", NO_ENTRY),
    "a wrong one of the older kind": ("old", "wrong-password", "shop", NO_ENTRY),
    "none": ("alice", "", "shop", NO_ENTRY),
    "nobody of that name": ("nobody", "wrong-password", "shop", NO_ENTRY),
    "somebody who is turned away": ("barred", None, "shop", NO_ENTRY),
    "somebody who must use TLS": ("tls_only", None, "shop", NO_ENTRY),
    "no such database": ("alice", None, "absent", "invalid database_not_found: connect auth protocol!"),
    "a database for others": ("narrow", None, "closed", "invalid permission_denied: connect auth scope!"),
    "no room": ("idle", None, "shop", "inconclusive rate_limited: connect protocol?"),
}


@pytest.mark.parametrize("case", LOGINS)
def test_postgresql(prober: httpx.Client, postgres: PostgresServer, case: str) -> None:
    user, password, database, expected = LOGINS[case]
    postgres.show(None)
    told = look(prober, postgresql(postgres.uri(user, password, database)))
    assert str(told) == expected
    assert told.label == (f"{user}@{database}" if expected == LOGGED_IN else None)


def test_postgresql_by_fields(prober: httpx.Client, postgres: PostgresServer) -> None:
    """User name and password in the credential, host and port in the config."""
    postgres.show(None)

    def by_fields(password: str, **config: object) -> str:
        credentials = {"username": "alice", "password": password}
        place = {"host": "127.0.0.1", "port": postgres.port, "database": "shop", **config}
        return str(look(prober, draft("postgresql", "storage", "password", credentials, **place)))

    assert by_fields(postgres.passwords["alice"]) == LOGGED_IN
    assert by_fields("wrong-password") == NO_ENTRY
    assert by_fields(postgres.passwords["alice"], sslmode="require") == "invalid tls_not_offered: connect tls!"


# What libpq would do and a service must not.
REFUSED_URIS = {
    "a socket": ("postgresql://alice:secret-e2e@/shop?host=/tmp", "invalid unsupported_parameter: protocol!"),
    "an abstract socket": ("postgresql://alice:secret-e2e@/shop?host=@x", "invalid unsupported_parameter: protocol!"),
    "several hosts": ("postgresql://alice:secret-e2e@a,b/shop", "invalid unsupported_parameter: protocol!"),
    "a file of keys": (
        "postgresql://alice:secret-e2e@127.0.0.1/shop?sslkey=/etc/ssl/private/key",
        "invalid unsupported_parameter: protocol!",
    ),
    "another address": (
        "postgresql://alice:secret-e2e@127.0.0.1/shop?hostaddr=127.0.0.2",
        "invalid unsupported_parameter: protocol!",
    ),
    "options of the server": (
        "postgresql://alice:secret-e2e@127.0.0.1/shop?options=-c%20a%3Db",
        "invalid unsupported_parameter: protocol!",
    ),
    "a service of a file": (
        "postgresql://alice:secret-e2e@127.0.0.1/shop?service=x",
        "invalid unsupported_parameter: protocol!",
    ),
    "no URI": ("mysql://alice:secret-e2e@127.0.0.1/shop", "invalid malformed_connection_string: protocol!"),
    "half an escape": (
        "postgresql://alice:secret%2-e2e@127.0.0.1/shop",
        "invalid malformed_connection_string: protocol!",
    ),
}


@pytest.mark.parametrize("case", REFUSED_URIS)
def test_postgresql_uris_that_are_refused(prober: httpx.Client, case: str) -> None:
    uri, expected = REFUSED_URIS[case]
    assert str(look(prober, postgresql(uri))) == expected


# TLS of PostgreSQL


@pytest.fixture(scope="module")
def certificates(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    here = ("localhost", "127.0.0.1")
    stranger = Authority(tmp_path_factory.mktemp("stranger"), "stranger")
    return {
        "good": authority.issue("pg-good", *here),
        "of another host": authority.issue("pg-other", "db.example.com"),
        "expired": authority.issue("pg-expired", *here, days=-1, days_ago=30),
        "self-signed": authority.issue("pg-self", *here, self_signed=True),
        "of a stranger": stranger.issue("pg", *here),
    }


FAILED = {
    "expired": "invalid certificate_expired: connect tls!",
    "self-signed": "invalid certificate_self_signed: connect tls!",
    # Whether we should know its authority is our side's matter.
    "of a stranger": "inconclusive tls_failed: connect tls?",
}
TLS_CASES = {
    "good": {},
    "of another host": {"verify-full": "invalid certificate_wrong_host: connect tls!"},
    **{name: {"verify-ca": expected, "verify-full": expected} for name, expected in FAILED.items()},
}
MODES = {
    "disable": LOGGED_IN,
    "allow": LOGGED_IN,
    "prefer": LOGGED_IN_BY_TLS,
    "require": LOGGED_IN_BY_TLS,
    "verify-ca": LOGGED_IN_BY_TLS,
    "verify-full": LOGGED_IN_BY_TLS,
}


@pytest.mark.parametrize("case", TLS_CASES)
def test_postgresql_over_tls(
    prober: httpx.Client, postgres: PostgresServer, certificates: dict[str, Certificate], case: str
) -> None:
    postgres.show(certificates[case])
    told = {mode: str(look(prober, postgresql(postgres.uri(sslmode=mode)))) for mode in MODES}
    assert told == MODES | TLS_CASES[case]


def test_postgresql_that_must_be_reached_by_tls(
    prober: httpx.Client, postgres: PostgresServer, certificates: dict[str, Certificate]
) -> None:
    postgres.show(certificates["good"])
    assert str(look(prober, postgresql(postgres.uri("tls_only")))) == LOGGED_IN_BY_TLS
    assert str(look(prober, postgresql(postgres.uri("tls_only", sslmode="disable")))) == NO_ENTRY
    # The certificate is of the name too, and the address is the one that Egress chose.
    by_name = look(prober, postgresql(postgres.uri(host="localhost", sslmode="verify-full")))
    assert str(by_name) == "valid verified: dns connect tls auth protocol"
    bound = look(prober, postgresql(postgres.uri(sslmode="require", channel_binding="require")))
    assert str(bound) == LOGGED_IN_BY_TLS


def test_nothing_is_changed_in_a_database(prober: httpx.Client, postgres: PostgresServer) -> None:
    """All that was said to the server is in its log."""
    postgres.show(None)
    look(prober, postgresql(postgres.uri()))
    statements = [line.split("statement: ")[1] for line in postgres.log().splitlines() if "statement: " in line]
    asked = [text for text in statements if not text.startswith(("CREATE", "ALTER", "SET password", "REVOKE"))]
    assert asked and all(text.startswith("BEGIN READ ONLY") for text in asked), asked
