"""The contract's PUT, compared with the same models under FastAPI 0.165 and pydantic 2.14, body by body.

Status, and of every problem type, place, words and context must be equal. `input` is compared where ours has one:
it is left out where it could carry a secret.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from support import lossless, reference
from support.api import CONNECTIONS, Tenant, create_custom, make_tenant, ok
from support.server import Server

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Pair:
    """A connection of ours and the one of the reference that stands for it."""

    ours: httpx.Client
    theirs: httpx.Client
    path: str

    def put(self, body: bytes, headers: dict[str, str] = JSON) -> tuple[httpx.Response, httpx.Response]:
        return (
            self.ours.put(self.path, content=body, headers=headers),
            self.theirs.put(self.path, content=body, headers=headers),
        )


@pytest.fixture(scope="module")
def home(server: Server) -> Iterator[Tenant]:
    tenant = make_tenant(server, "contract")
    yield tenant
    tenant.client.close()


@pytest.fixture(scope="module")
def theirs() -> Iterator[httpx.Client]:
    with reference.running() as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def pair(home: Tenant, theirs: httpx.Client) -> Pair:
    before = reference.fresh()
    made = create_custom(home.client, label=before["label"], config=before["config"])
    assert {name: made[name] for name in before} == before
    return Pair(home.client, theirs, f"{CONNECTIONS}/{made['id']}")


# Several code points that look like one character, and one code point that is four bytes: 255 counts code points.
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
COMBINED = "e\u0301"

ACCEPTED = {
    "nothing": "{}",
    "white space around": ' \r\n\t{ "label" :\t"spaced" }\n ',
    "a label": '{"label":"after"}',
    "an empty label": '{"label":""}',
    "a label cleared": '{"label":null}',
    "a config": '{"config":{"a":{"b":[1,2.5,"x",null,true,false,{}]}}}',
    "an empty config": '{"config":{}}',
    "a null config": '{"config":null}',
    "a null status": '{"status":null}',
    "all null": '{"label":null,"config":null,"status":null}',
    "status active": '{"status":"active"}',
    "status inactive": '{"status":"inactive"}',
    "status testing": '{"status":"testing"}',
    "status error": '{"status":"error"}',
    "status expired": '{"status":"expired"}',
    "status written with an escape": '{"status":"\\u0061ctive"}',
    "all three": '{"label":"after","config":{"a":1},"status":"inactive"}',
    "unknown fields": '{"label":"after","colour":"red","id":"conn_x","workspace_id":5,"created_at":null}',
    "only unknown fields": '{"colour":{"label":5}}',
    "keys are case-sensitive": '{"Label":5,"STATUS":"x"}',
    "the last of two equal keys": '{"label":"first","label":"last"}',
    "a wrong one before the right one": '{"label":5,"label":"right"}',
    "a key written with an escape": '{"\\u006cabel":"after"}',
    "equal after unescaping": '{"label":"first","\\u006cabel":"last"}',
    "255 letters": json.dumps({"label": "a" * 255}),
    "255 emoji": json.dumps({"label": "\U0001f600" * 255}, ensure_ascii=False),
    "255 emoji as surrogate pairs": json.dumps({"label": "\U0001f600" * 255}),
    "255 code points of combined letters": json.dumps({"label": COMBINED * 127 + "x"}, ensure_ascii=False),
    "255 code points of families": json.dumps({"label": FAMILY * 51}, ensure_ascii=False),
    "255 NUL characters": json.dumps({"label": "\0" * 255}),
    "a label of every escape": '{"label":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00"}',
    "a label of unusual characters": '{"label":"\u2028\u2029\ufeff\ufffd\uffff\u007f\u0085"}',
    "an empty key": '{"":1,"config":{"":{"":""}}}',
}

REFUSED = {
    "label is a number": '{"label":5}',
    "label is a fraction": '{"label":5.5}',
    "label is true": '{"label":true}',
    "label is a list": '{"label":["a"]}',
    "label is an object": '{"label":{"a":1}}',
    "label of 256 letters": json.dumps({"label": "a" * 256}),
    "label of 256 emoji": json.dumps({"label": "\U0001f600" * 256}, ensure_ascii=False),
    "label of 128 combined letters": json.dumps({"label": COMBINED * 128}, ensure_ascii=False),
    "label of 52 families": json.dumps({"label": FAMILY * 52}, ensure_ascii=False),
    "label of 100,000 letters": json.dumps({"label": "a" * 100_000}),
    "config is a list": '{"config":[]}',
    "config is a list of pairs": '{"config":[["a",1]]}',
    "config is a string": '{"config":"{}"}',
    "config is a number": '{"config":5}',
    "config is false": '{"config":false}',
    "status is unknown": '{"status":"broken"}',
    "status in capitals": '{"status":"ACTIVE"}',
    "status with a space": '{"status":"active "}',
    "status is empty": '{"status":""}',
    "status is a number": '{"status":0}',
    "status is true": '{"status":true}',
    "status is a list": '{"status":["active"]}',
    "status is an object": '{"status":{"value":"active"}}',
    "all three wrong": '{"label":5,"config":[],"status":"x"}',
    "all three wrong, in another order": '{"status":5,"config":"c","label":{}}',
    "two wrong, one right": '{"label":"after","config":[],"status":"x"}',
    "the last of two equal keys is wrong": '{"label":"right","label":5}',
    "body is null": "null",
    "body is a list": '[{"label":"after"}]',
    "body is an empty list": "[]",
    "body is a number": "5",
    "body is a fraction": "-0.5e3",
    "body is a string": '"label"',
    "body is true": "true",
    "body is empty": "",
}

# JSON that does not parse, with whether Python's own words for it are the ones to say as well.
INVALID = {
    "a space": (" ", True),
    "an open brace": ("{", True),
    "a missing value": ('{"label":}', True),
    "a missing value at the end": ('{"label":', True),
    "a missing colon": ('{"label" "a"}', True),
    "a missing comma": ('{"label":"a" "status":"error"}', True),
    "no closing brace": ('{"label":"a"', True),
    "an open string": ('{"label":"a', True),
    "an open key": ('{"label', True),
    "text after it": ('{"label":"a"} x', True),
    "two objects": ("{}{}", True),
    "a bare word": ("label", True),
    "half a word": ("tru", True),
    "single quotes": ("{'label':'a'}", True),
    "a key without quotes": ('{label:"a"}', True),
    "a line break in a string": ('{"label":"a\nb"}', True),
    "a NUL in a string": ('{"label":"a\0b"}', True),
    "a trailing comma in an object": ('{"label":"a",}', False),
    "a trailing comma in a list": ('{"config":{"a":[1,]}}', False),
    "an unknown escape": ('{"label":"\\x41"}', False),
    "a short escape": ('{"label":"\\u12"}', False),
    "an escape that is no hexadecimal": ('{"label":"\\u12g4"}', False),
    "a leading zero": ('{"config":{"a":01}}', False),
    "a plus sign": ('{"config":{"a":+1}}', False),
    "a bare minus": ('{"config":{"a":-}}', False),
    "a fraction without digits": ('{"config":{"a":1.}}', False),
    "a fraction without a zero": ('{"config":{"a":.5}}', False),
    "an exponent without digits": ('{"config":{"a":1e}}', False),
    "hexadecimal": ('{"config":{"a":0x10}}', False),
    "a comment": ('{"label":"a"/* x */}', False),
    "a form": ("label=a&status=error", True),
}


def problems(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.headers["Content-Type"] == "application/json"
    detail = response.json()["detail"]
    assert isinstance(detail, list)
    return detail


def words(detail: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: problem.get(name) for name in ("type", "loc", "msg", "ctx")} for problem in detail]


def state(response: httpx.Response) -> dict[str, Any]:
    return {name: response.json()[name] for name in reference.fresh()}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(pair: Pair, name: str) -> None:
    ours, theirs = pair.put(ACCEPTED[name].encode())
    assert (ours.status_code, theirs.status_code) == (200, 200), ours.text
    assert state(ours) == state(theirs)
    assert ok(pair.ours.get(pair.path)) == ours.json()


@pytest.mark.parametrize("name", REFUSED)
def test_refused(pair: Pair, name: str) -> None:
    before = pair.ours.get(pair.path)
    ours, theirs = pair.put(REFUSED[name].encode())
    assert (ours.status_code, theirs.status_code) == (422, 422), ours.text
    assert words(problems(ours)) == words(problems(theirs))
    for our_problem, their_problem in zip(problems(ours), problems(theirs), strict=True):
        if "input" in our_problem:
            assert our_problem["input"] == their_problem["input"]
        assert our_problem.keys() <= {"type", "loc", "msg", "input", "ctx"}
    unchanged = pair.ours.get(pair.path)
    assert (unchanged.text, unchanged.headers["ETag"]) == (before.text, before.headers["ETag"])


@pytest.mark.parametrize("name", INVALID)
def test_invalid_json(pair: Pair, name: str) -> None:
    body, same_words = INVALID[name]
    ours, theirs = pair.put(body.encode())
    assert (ours.status_code, theirs.status_code) == (422, 422), ours.text
    ((our_problem,), (their_problem,)) = (problems(ours), problems(theirs))
    assert (our_problem["type"], our_problem["msg"]) == (their_problem["type"], their_problem["msg"])
    assert our_problem["loc"][0] == "body" and isinstance(our_problem["loc"][1], int)
    if same_words:
        assert our_problem["ctx"] == their_problem["ctx"]
    else:
        assert our_problem["ctx"]["error"]


# Where we differ on purpose (docs/API.md lists them): the body, the reference's status, ours, our problem's type.
# The reference's status is checked too, so that the list is of real differences.
TEXT = {"Content-Type": "text/plain"}
DEVIATIONS = {
    "a byte order mark": (b'\xef\xbb\xbf{"label":"after"}', JSON, 200, 422, "json_invalid"),
    "UTF-16": ('{"label":"after"}'.encode("utf-16-le"), JSON, 200, 422, "json_invalid"),
    "NaN": (b'{"colour":NaN}', JSON, 200, 422, "json_invalid"),
    "Infinity": (b'{"colour":Infinity}', JSON, 200, 422, "json_invalid"),
    "minus Infinity": (b'{"colour":-Infinity}', JSON, 200, 422, "json_invalid"),
    "depth 65": (b'{"config":{"a":' + b"[" * 63 + b"]" * 63 + b"}}", JSON, 200, 422, "json_invalid"),
    "depth 100,000": (b'{"config":' + b'{"a":' * 100_000, JSON, 400, 422, "json_invalid"),
    "bytes that are not UTF-8": (b'{"label":"\xff"}', JSON, 400, 422, "json_invalid"),
    "an overlong NUL": (b'{"label":"\xc0\x80"}', JSON, 400, 422, "json_invalid"),
    "a surrogate in UTF-8": (b'{"label":"\xed\xa0\x80"}', JSON, 500, 422, "json_invalid"),
    "half a surrogate pair in a label": (b'{"label":"\\ud83d"}', JSON, 500, 422, "json_invalid"),
    "half a surrogate pair in a config": (b'{"config":{"a":"\\ude00"}}', JSON, 500, 422, "json_invalid"),
    # The reference answers null for it; we give it back as written (see the round trips).
    "a number past the floats": (b'{"config":{"a":1e400}}', JSON, 200, 200, None),
    "1,000 digits": (b'{"config":{"a":' + b"9" * 1000 + b"}}", JSON, 200, 200, None),
    "1,001 digits": (b'{"config":{"a":' + b"9" * 1001 + b"}}", JSON, 200, 422, "json_invalid"),
    "text": (b'{"label":"after"}', TEXT, 422, 415, None),
    "a form's content type": (
        b'{"label":"after"}',
        {"Content-Type": "application/x-www-form-urlencoded"},
        422,
        415,
        None,
    ),
    "no content type": (b'{"label":"after"}', {}, 422, 200, None),
    "no content type, no body": (b"", {}, 422, 422, "missing"),
    "JSON in a charset": (b'{"label":"after"}', {"Content-Type": "application/json; charset=utf-8"}, 200, 200, None),
    "JSON of a vendor": (b'{"label":"after"}', {"Content-Type": "application/vnd.api+json"}, 200, 200, None),
}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_deviation(pair: Pair, name: str) -> None:
    body, headers, their_status, our_status, problem = DEVIATIONS[name]
    ours, theirs = pair.put(body, headers)
    assert (ours.status_code, theirs.status_code) == (our_status, their_status), ours.text
    if problem:
        assert [found["type"] for found in problems(ours)] == [problem]
    if our_status == 415:
        assert isinstance(ours.json()["detail"], str)


def test_depth_64_is_the_last_that_is_taken(pair: Pair) -> None:
    config = '{"a":' + "[" * 62 + "]" * 62 + "}"
    ours = pair.ours.put(pair.path, content=f'{{"config":{config}}}', headers=JSON)
    assert ours.status_code == 200, ours.text
    assert lossless.member(ours.text, "config") == lossless.parse(config)


ROUND_TRIPS = {
    "300 digits": '{"n":' + "1234567890" * 30 + "}",
    "300 digits, negative, in a list": '{"n":[-' + "9" * 300 + "]}",
    "a fraction of 300 digits": '{"n":0.' + "3" * 300 + "}",
    "one point nought": '{"n":1.0,"m":1.10,"k":100}',
    "past the floats": '{"n":1e400,"m":-1E+400,"k":1e-400}',
    "exponents as written": '{"a":1E5,"b":1e+05,"c":1.5E-0}',
    "minus nought": '{"a":-0,"b":-0.0,"c":0}',
    "near two to the 53rd": '{"a":9007199254740993,"b":0.1000000000000000055511151231257827}',
    "key order": '{"z":1,"a":2,"m":{"y":1,"b":2},"0":3,"Z":4}',
    "equal keys": '{"a":1,"b":2,"a":3}',
    "equal keys further in": '{"x":{"a":1,"b":2,"a":{"c":1,"c":2}}}',
    "equal after unescaping": '{"a":1,"b":2,"\\u0061":3}',
    "not equal: composed and decomposed": '{"\u00e9":1,"e\u0301":2}',
    "not equal: case": '{"K":1,"k":2,"\u212a":3}',
    "a NUL in a value": '{"a":"x\\u0000y","b":"\\u0000"}',
    "a NUL in a key": '{"x\\u0000y":1,"x":2}',
    "every escape": '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u001f\\u007f\\u0080"}',
    "every plane": '{"a":"\\u0001\u00e9\u20ac\uffff\U00010000\U0010ffff","b":"\\ud83d\\ude00"}',
    "line separators": '{"a":"\u2028\u2029\ufeff"}',
    "white space is not kept, but in strings": '{ "a" : [ 1 , 2 ] ,\n"b":" c  d\\t" }',
    "empty things": '{"":{"":[]},"a":[[],{},"",null,false]}',
    "things that look like ours": '{"config":{"config":{}},"label":null,"status":"active","id":"conn_x"}',
    "ten thousand members": "{" + ",".join(f'"key{n}":{n}.0' for n in range(10_000)) + "}",
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_config_comes_back_as_it_was_sent(pair: Pair, name: str) -> None:
    config = ROUND_TRIPS[name]
    updated = pair.ours.put(pair.path, content=f'{{"config":{config}}}'.encode(), headers=JSON)
    assert updated.status_code == 200, updated.text
    assert lossless.member(updated.text, "config") == lossless.parse(config)
    read = pair.ours.get(pair.path)
    assert lossless.member(read.text, "config") == lossless.parse(config)


def test_created_config_and_metadata_come_back_too(home: Tenant) -> None:
    text = ROUND_TRIPS["300 digits"]
    body = f'{{"integration":"e2e-thing","integration_type":"custom","config":{text},"metadata":{text}}}'
    made = home.client.post(CONNECTIONS, content=body, headers=JSON)
    assert made.status_code == 200, made.text
    for name in ("config", "metadata"):
        assert lossless.member(made.text, name) == lossless.parse(text)


class TestWhatIsWritten:
    """A PUT writes if it names something, equal or not, and only then."""

    @pytest.mark.parametrize(
        "body", ["{}", '{"colour":1}', '{"config":null,"status":null}', '{"tags":null,"metadata":null}']
    )
    def test_nothing_named_writes_nothing(self, pair: Pair, body: str) -> None:
        before = pair.ours.get(pair.path)
        after = pair.ours.put(pair.path, content=body, headers=JSON)
        assert after.status_code == 200, after.text
        assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])

    @pytest.mark.parametrize("name", ["label", "config", "status"])
    def test_an_equal_value_writes(self, pair: Pair, name: str) -> None:
        before = pair.ours.get(pair.path)
        after = pair.ours.put(pair.path, json={name: before.json()[name]})
        assert after.status_code == 200, after.text
        assert after.headers["ETag"] != before.headers["ETag"]
        assert after.json()["updated_at"] > before.json()["updated_at"]
        changed = {key for key in before.json() if before.json()[key] != after.json()[key]}
        # A status that is said again is a user's word from then on, whatever gave it before.
        assert changed == {"updated_at"} | ({"status_reason"} if name == "status" else set())

    def test_a_status_may_be_asserted_from_any_other(self, pair: Pair) -> None:
        states = [status.value for status in reference.ConnectionStatus]
        for first in states:
            for second in states:
                ok(pair.ours.put(pair.path, json={"status": first}))
                assert ok(pair.ours.put(pair.path, json={"status": second}))["status"] == second

    def test_our_additions(self, pair: Pair) -> None:
        change = {"external_id": f"ext-{pair.path[-8:]}", "tags": ["eu", "paid"], "metadata": {"plan": "pro", "n": 1}}
        updated = ok(pair.ours.put(pair.path, json=change))
        assert {name: updated[name] for name in change} == change
        kept = ok(pair.ours.put(pair.path, json={"tags": None, "metadata": None, "label": "x"}))
        assert {name: kept[name] for name in change} == change
        assert ok(pair.ours.put(pair.path, json={"external_id": None}))["external_id"] is None

    def test_our_additions_are_checked_in_the_same_words(self, pair: Pair) -> None:
        answer = pair.ours.put(pair.path, json={"label": 5, "external_id": 5, "tags": "eu", "metadata": []})
        assert answer.status_code == 422
        assert [(problem["loc"][1], problem["type"]) for problem in problems(answer)] == [
            ("label", "string_type"),
            ("external_id", "string_type"),
            ("tags", "list_type"),
            ("metadata", "dict_type"),
        ]
