"""Whatever speaks HTTP, and whatever goes wrong on the way there: the verdict, the layer that decided, and why.

Every kind of probe meets every kind of failure.
"""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from support import probes
from support.api import make_tenant
from support.authority import Authority, Certificate
from support.hostile import BEHAVIOURS, Hostile, Refusing
from support.probes import Draft, look
from support.scripted import Reply, Scripted, Visit
from support.server import Server

# One of each kind of probe, for what listens at an address.


def s3(url: str) -> Draft:
    config = {"bucket": "e2e-bucket", "region": "us-east-1", "endpoint": url, "force_path_style": True}
    return probes.s3(config, {"access_key_id": "AKIA" + "E" * 16, "secret_access_key": "e2e-secret-" + "k" * 29})


KINDS: dict[str, Callable[[str], Draft]] = {
    "models": lambda url: probes.model(f"{url}/v1"),
    "config of an api": lambda url: probes.rest_api(f"{url}/me", test_contains="ada"),
    "config of a custom": lambda url: probes.custom_http(f"{url}/health", test_contains="fine"),
    "request of the catalog": probes.graphql,
    "request of a workspace's own": probes.acme,
    "mcp": lambda url: probes.mcp(f"{url}/mcp", "mcp-token-0123456789"),
    "s3": s3,
    "azure": probes.azure,
}
POSTGRESQL = "postgresql"


def of_every_kind(client: httpx.Client, address: str) -> dict[str, str]:
    """What tests of all kinds say of one address, asked at once."""
    probes.define_acme(client)
    drafts = {name: make(f"http://{address}") for name, make in KINDS.items()}
    drafts[POSTGRESQL] = probes.postgresql(f"postgresql://alice:e2e-password@{address}/shop")
    with ThreadPoolExecutor(len(drafts)) as pool:
        told = pool.map(lambda draft: str(look(client, draft)), drafts.values())
        return dict(zip(drafts, told, strict=True))


def everywhere(told: str, postgresql: str | None = None) -> dict[str, str]:
    return {**dict.fromkeys(KINDS, told), POSTGRESQL: postgresql or told}


NOT_POSTGRESQL = "inconclusive not_postgresql: connect protocol?"
UNEXPECTED = everywhere("inconclusive unexpected_answer: connect http protocol?", NOT_POSTGRESQL)
FAILURES = {
    "hangs up": everywhere("inconclusive connection_lost: connect http?", "inconclusive connection_lost: connect tls?"),
    "resets": everywhere("inconclusive connection_lost: connect http?", "inconclusive connection_lost: connect tls?"),
    "speaks something else": everywhere("inconclusive not_http: connect http?", NOT_POSTGRESQL),
    "floods": {
        **everywhere("inconclusive answer_too_large: connect protocol?", NOT_POSTGRESQL),
        # The flood is in the answer to its second question.
        "s3": "inconclusive answer_too_large: connect http protocol?",
    },
    "answers HTML": UNEXPECTED,
    "answers HTML as 403": UNEXPECTED,
    "redirects": UNEXPECTED,
    "answers 404": UNEXPECTED,
    "answers 429": everywhere("inconclusive rate_limited: connect http?", NOT_POSTGRESQL),
    "answers 500": everywhere("inconclusive provider_error: connect http?", NOT_POSTGRESQL),
    "answers 503": everywhere("inconclusive provider_error: connect http?", NOT_POSTGRESQL),
}


@pytest.fixture(scope="module", autouse=True)
def hanging(probe_server: Server) -> Iterator[Future[dict[str, str]]]:
    """Who waits for what never answers has to wait for long: it is begun first, and looked at last."""
    tenant, peer = make_tenant(probe_server), Hostile(BEHAVIOURS["hangs"])
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(of_every_kind, tenant.client, peer.address)
    peer.close()
    tenant.client.close()


@pytest.mark.parametrize("failure", FAILURES)
def test_a_host_that_fails(prober: httpx.Client, hostile: Callable[..., Hostile], failure: str) -> None:
    assert of_every_kind(prober, hostile(failure).address) == FAILURES[failure]


def test_a_host_that_does_not_exist(prober: httpx.Client) -> None:
    told = of_every_kind(prober, "nobody-has-this-name.invalid")
    assert told == everywhere("inconclusive name_not_resolved: dns?")


def test_a_host_that_refuses(prober: httpx.Client) -> None:
    refusing = Refusing()
    try:
        assert of_every_kind(prober, refusing.address) == everywhere("inconclusive connection_failed: connect?")
    finally:
        refusing.close()


def test_a_name_is_a_layer(prober: httpx.Client, hostile: Callable[..., Hostile]) -> None:
    port = hostile("answers 500").port
    told = of_every_kind(prober, f"localhost:{port}")
    expected = everywhere(
        "inconclusive provider_error: dns connect http?", "inconclusive not_postgresql: dns connect protocol?"
    )
    assert told == expected


# Where nobody may go


def test_a_destination_that_is_not_allowed(prober: httpx.Client, hostile: Callable[..., Hostile]) -> None:
    """One reason, neither layers nor times: whether somebody listens there is not told, and nobody went to see."""
    peer = hostile("answers 500", host="127.0.0.2")
    refused = everywhere("inconclusive destination_refused")
    assert of_every_kind(prober, peer.address) == refused
    assert peer.visits == 0


@pytest.mark.parametrize("address", ["127.0.0.2:9", "[::1]:80", "0.0.0.0:80", "[::ffff:127.0.0.1]:80"])
def test_other_addresses_of_this_machine(prober: httpx.Client, address: str) -> None:
    told = look(prober, probes.model(f"http://{address}/v1"))
    assert str(told) == "inconclusive destination_refused"


def test_our_own_listener(prober: httpx.Client, probe_server: Server) -> None:
    told = of_every_kind(prober, f"127.0.0.1:{probe_server.port}")
    assert told == everywhere("inconclusive destination_refused")


def test_the_refusal_is_the_same_whoever_is_there(prober: httpx.Client, hostile: Callable[..., Hostile]) -> None:
    there = look(prober, probes.model(f"http://{hostile('hangs', host='127.0.0.2').address}/v1")).body
    not_there = look(prober, probes.model("http://127.0.0.2:9/v1")).body
    assert {**there, "checked_at": ""} == {**not_there, "checked_at": ""}


# TLS


@pytest.fixture(scope="module")
def certificates(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    here = ("localhost", "127.0.0.1")
    stranger = Authority(tmp_path_factory.mktemp("stranger"), "stranger")
    return {
        "good": authority.issue("good", *here),
        "wrong host": authority.issue("wrong-host", "elsewhere.example.com"),
        "expired": authority.issue("expired", *here, days=-1, days_ago=30),
        "expired and of another host": authority.issue("both", "elsewhere.example.com", days=-1, days_ago=30),
        "self-signed": authority.issue("self-signed", *here, self_signed=True),
        "of a stranger": stranger.issue("stranger", *here),
    }


TLS = {
    "good": "inconclusive provider_error: connect tls http?",
    "wrong host": "invalid certificate_wrong_host: connect tls!",
    "expired": "invalid certificate_expired: connect tls!",
    "expired and of another host": "invalid certificate_expired: connect tls!",
    "self-signed": "invalid certificate_self_signed: connect tls!",
    # Whether we should know its authority is our side's matter.
    "of a stranger": "inconclusive tls_failed: connect tls?",
}


@pytest.mark.parametrize("case", TLS)
def test_certificates(
    prober: httpx.Client, hostile: Callable[..., Hostile], certificates: dict[str, Certificate], case: str
) -> None:
    address = hostile("answers 500", certificate=certificates[case].context).address
    probes.define_acme(prober)
    for make in KINDS.values():
        assert str(look(prober, make(f"https://{address}"))) == TLS[case]


def test_nothing_is_said_to_whom_is_not_known(
    prober: httpx.Client, hostile: Callable[..., Hostile], certificates: dict[str, Certificate]
) -> None:
    """A wrong certificate ends it before the credential is sent."""
    heard: list[bytes] = []
    peer = hostile(lambda peer: heard.append(peer.recv(65_536)), certificate=certificates["wrong host"].context)
    look(prober, probes.model(f"https://{peer.address}/v1"))
    assert b"".join(heard) == b""


def test_tls_where_there_is_none(prober: httpx.Client, hostile: Callable[..., Hostile]) -> None:
    def answer(peer: Any) -> None:
        peer.recv(65_536)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    told = look(prober, probes.model(f"https://{hostile(answer).address}/v1"))
    assert str(told) == "inconclusive tls_failed: connect tls?"


# Endpoints that are as they should be, but for the credential


class Api:
    """Takes one key, and tells in JSON what is wrong with others."""

    def __init__(self, scripted: Scripted):
        self.key, self.narrow = f"sk-{secrets.token_hex(12)}", f"sk-narrow-{secrets.token_hex(12)}"
        self.url = scripted.url
        self.scripted = scripted

    def on(self, path: str, good: Any, header: str = "Authorization", method: str = "GET") -> None:
        def answer(visit: Visit) -> Reply:
            match visit.headers.get(header, "").removeprefix("Bearer "):
                case self.key:
                    return good if isinstance(good, Reply) else Reply.json(good)
                case self.narrow:
                    return Reply.json({"error": {"code": "insufficient_permissions"}}, 403)
                case "":
                    return Reply.json({"error": {"code": "missing_key", "message": "no key"}}, 401)
            return Reply.json({"error": {"code": "invalid_api_key", "message": "wrong key"}}, 401)

        self.scripted.on(method, path, answer)


@pytest.fixture
def api(scripted: Scripted) -> Api:
    return Api(scripted)


GOOD = "valid verified: connect http auth protocol"
REFUSED = "invalid credential_rejected: connect http auth!"
DENIED = "invalid permission_denied: connect http auth scope!"
UNKNOWN = "inconclusive unexpected_answer: connect http protocol?"


def test_models(prober: httpx.Client, api: Api) -> None:
    api.on("/v1/models", {"object": "list", "data": [{"id": "m-1", "object": "model"}, {"id": "m-2"}]})
    base_url = f"{api.url}/v1"
    good = look(prober, probes.model(base_url, api.key))
    assert (str(good), good.detail) == (GOOD, "2 models")
    assert str(look(prober, probes.model(base_url, "sk-wrong-0123456789"))) == REFUSED
    assert str(look(prober, probes.model(base_url, api.narrow))) == DENIED
    nobody = look(prober, probes.model(base_url, None))
    assert str(nobody) == REFUSED and "has none" in nobody.message
    assert str(look(prober, probes.model(f"{api.url}/v2", api.key))) == UNKNOWN


def test_models_that_anybody_may_use(prober: httpx.Client, scripted: Scripted) -> None:
    scripted.on("GET", "/v1/models", Reply.json({"object": "list", "data": []}))
    told = look(prober, probes.model(f"{scripted.url}/v1", None))
    assert (str(told), told.detail) == ("valid verified: connect http protocol", "0 models")


NO_MODELS: dict[str, Any] = {
    "a list of something else": {"data": [{"name": "x"}]},
    "no list": {"object": "list"},
    "a list alone": [{"id": "m-1"}],
    "an error in the clothes of success": {"error": {"code": "oops"}},
}


@pytest.mark.parametrize("case", NO_MODELS)
def test_what_is_no_list_of_models(prober: httpx.Client, api: Api, case: str) -> None:
    api.on("/v1/models", NO_MODELS[case])
    assert str(look(prober, probes.model(f"{api.url}/v1", api.key))) == UNKNOWN


def test_a_request_of_a_workspace_s_own_integration(prober: httpx.Client, api: Api) -> None:
    probes.define_acme(prober)
    api.on("/me", {"user": {"id": 7, "email": "ada@acme.example"}}, header="X-Acme-Key")
    good = look(prober, probes.acme(api.url, api.key))
    assert (str(good), good.label) == ("valid verified: connect http auth", "ada@acme.example")
    assert str(look(prober, probes.acme(api.url, "wrong-key-0123456789"))) == REFUSED
    assert str(look(prober, probes.acme(api.url, api.narrow))) == DENIED
    for code, expected in (
        ("token_revoked", "invalid grant_gone: connect http auth!"),
        ("no_seat", DENIED),
        ("teapot", UNKNOWN),
    ):
        api.scripted.on("GET", "/me", Reply.json({"error": {"code": code}}, 418))
        assert str(look(prober, probes.acme(api.url, api.key))) == expected
    # Somebody else's 200 has not what is expected.
    api.on("/me", {"status": "ok"}, header="X-Acme-Key")
    assert str(look(prober, probes.acme(api.url, api.key))) == UNKNOWN


def test_graphql(prober: httpx.Client, scripted: Scripted) -> None:
    def answer(visit: Visit) -> Reply:
        if visit.headers.get("Authorization") == "Bearer good-token-0123":
            return Reply.json({"data": {"__typename": "Query"}})
        return Reply.json({"data": None, "errors": [{"extensions": {"code": "UNAUTHENTICATED"}}]})

    scripted.on("POST", "/graphql", answer)
    assert str(look(prober, probes.graphql(scripted.url, "good-token-0123"))) == "valid verified: connect http auth"
    # 200 to everything is no proof.
    assert str(look(prober, probes.graphql(scripted.url, "wrong-token-0123"))) == REFUSED


ANSWERED = "valid verified: connect http auth"

# What the config expects, and what a test says.
EXPECTATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "any success": ({}, ANSWERED),
    "the status that comes": ({"test_status": 200}, ANSWERED),
    "another status": ({"test_status": 204}, UNKNOWN),
    "the text that comes": ({"test_contains": '"name": "ada"'}, ANSWERED),
    "another text": ({"test_contains": "bob"}, UNKNOWN),
    "by POST": ({"test_method": "POST"}, ANSWERED),
    "by HEAD": ({"test_method": "HEAD"}, ANSWERED),
    "text in what has none": ({"test_method": "HEAD", "test_contains": "ada"}, "inconclusive invalid_test"),
}


@pytest.mark.parametrize("make", [probes.rest_api, probes.custom_http])
@pytest.mark.parametrize("case", EXPECTATIONS)
def test_what_the_config_expects(prober: httpx.Client, api: Api, make: Callable[..., Draft], case: str) -> None:
    config, expected = EXPECTATIONS[case]
    header = "X-API-Key" if make is probes.rest_api else "Authorization"
    for method in ("GET", "POST", "HEAD"):
        good = {"name": "ada"} if method != "HEAD" else Reply(200)
        api.on("/me", good, header, method)
    assert str(look(prober, make(f"{api.url}/me", api.key, **config))) == expected
    if expected == ANSWERED:
        assert str(look(prober, make(f"{api.url}/me", "wrong-key-0123456789", **config))) == REFUSED


def test_a_refusal_may_be_what_is_expected(prober: httpx.Client, api: Api) -> None:
    api.on("/me", {"name": "ada"}, "X-API-Key")
    told = look(prober, probes.rest_api(f"{api.url}/me", api.key, test_status=401))
    assert str(told) == UNKNOWN


def test_nothing_to_test_against(prober: httpx.Client, scripted: Scripted) -> None:
    draft = probes.rest_api(f"{scripted.url}/me")
    del draft["config"]["test_url"]
    assert str(look(prober, draft)) == "inconclusive nothing_to_test"
    free = {"integration": "e2e-thing", "integration_type": "custom", "credentials": {"a": "b"}}
    assert str(look(prober, free)) == "inconclusive nothing_to_test"
    assert scripted.visits == []


def test_a_test_elsewhere_takes_the_credential_along_or_not(prober: httpx.Client, scripted: Scripted) -> None:
    """A credential of free form stays here; one that is applied goes where the config points it, as its owner said."""
    scripted.on("GET", "/health", Reply.json({"fine": True}))
    body = {
        "integration": "custom",
        "integration_type": "custom",
        "credentials": {"anything": "free-secret-0123456789"},
        "config": {"test_url": f"{scripted.url}/health"},
    }
    told = look(prober, body)
    assert str(told) == "valid verified: connect http"
    (visit,) = scripted.visits
    assert "free-secret-0123456789" not in str(visit)


def test_a_redirect_takes_no_credential_along(prober: httpx.Client, scripted: Scripted) -> None:
    elsewhere = Scripted()
    scripted.on("GET", "/v1/models", Reply.redirect(f"{elsewhere.url}/v1/models", 307))
    try:
        assert str(look(prober, probes.model(f"{scripted.url}/v1"))) == UNKNOWN
        assert elsewhere.visits == []
    finally:
        elsewhere.close()


# Who may ask, and for what


def test_what_create_would_refuse(prober: httpx.Client) -> None:
    for broken in (
        {**probes.model("http://127.0.0.1:9/v1"), "credentials": {}},
        {**probes.model("no address")},
        {**probes.model("http://127.0.0.1:9/v1"), "integration": "nothing"},
    ):
        answer = prober.post(probes.TEST, json=broken)
        assert answer.status_code == 422, answer.text


def test_last_of_all_a_host_that_hangs(hanging: Future[dict[str, str]]) -> None:
    expected = everywhere("inconclusive timed_out: connect http?", "inconclusive timed_out: connect tls?")
    assert hanging.result() == expected
