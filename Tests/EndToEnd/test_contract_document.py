"""The contract's operation stands in our document to the letter; what we added stands beside it."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from support.api import ok
from support.document import resolve
from support.server import Server

CONTRACT = yaml.safe_load((Path(__file__).parent / "fixtures" / "update-connection.yaml").read_text())
ADDED_RESPONSES = {"401", "403", "409", "412", "413", "415", "503"}


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    return ok(httpx.get(f"{server.url}/openapi.json"))


def test_the_operation(document: dict[str, Any]) -> None:
    ours = document["paths"]["/api/v1/connections/{connection_id}"]["put"]
    theirs = CONTRACT["operation"]
    for name in set(theirs) - {"parameters", "responses"}:
        assert ours[name] == theirs[name], name
    # Its parameters come first and as they are; If-Match is ours.
    parameters = [resolve(document, parameter) for parameter in ours["parameters"]]
    assert parameters[: len(theirs["parameters"])] == theirs["parameters"]
    assert {parameter["name"] for parameter in parameters[len(theirs["parameters"]) :]} <= {"If-Match"}
    assert set(theirs["responses"]) | ADDED_RESPONSES >= set(ours["responses"]) >= set(theirs["responses"])
    for status, response in theirs["responses"].items():
        # Headers, and the body of the 404, may be told besides.
        told = resolve(document, ours["responses"][status])
        assert {name: told.get(name) for name in response} == response, status


@pytest.mark.parametrize("name", CONTRACT["schemas"])
def test_the_schemas(document: dict[str, Any], name: str) -> None:
    ours, theirs = document["components"]["schemas"][name], CONTRACT["schemas"][name]
    for key in set(theirs) - {"properties"}:
        assert ours[key] == theirs[key], key
    for key, value in theirs.get("properties", {}).items():
        assert ours["properties"][key] == value, key
    # In the contract's order, ours after them.
    assert list(ours.get("properties", {}))[: len(theirs.get("properties", {}))] == list(theirs.get("properties", {}))


def test_the_security_scheme(document: dict[str, Any]) -> None:
    ours = document["components"]["securitySchemes"]["DualAuthScheme"]
    for key, value in CONTRACT["securitySchemes"]["DualAuthScheme"].items():
        assert ours[key] == value
