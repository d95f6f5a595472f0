"""JSON read without losing anything that has to come back: digits as written, order, equal keys."""

import json
from typing import Any


class Number(str):
    """A number's own text, which is never equal to a string of the same characters."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and str.__eq__(self, other)

    __hash__ = str.__hash__

    def __repr__(self) -> str:
        return f"Number({str.__repr__(self)})"


def _object(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    # A Python dict does what the contract says of equal keys: the last value, at the first one's place.
    return [("object", "")] + list(dict(pairs).items())


def parse(text: str) -> Any:
    """Objects become lists of pairs in order; numbers keep their text."""
    return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=_object)


def member(text: str, key: str) -> Any:
    """The value of a member of the outer object, read as above."""
    return dict(parse(text)[1:])[key]
