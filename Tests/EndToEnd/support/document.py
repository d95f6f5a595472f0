"""Walking the server's own OpenAPI document."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


@dataclass(frozen=True, repr=False)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    details: dict[str, Any]
    parameters: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.details["operationId"]

    @property
    def path_parameters(self) -> list[str]:
        return [parameter["name"] for parameter in self.parameters if parameter["in"] == "path"]

    @property
    def needs_a_key(self) -> bool:
        return bool(self.details.get("security"))

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                yield Operation(method.upper(), path, item[method], [resolve(document, each) for each in parameters])


def resolve(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Follows a reference inside the document."""
    while "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value
