"""Values that the catalog's fields accept, made from what the catalog itself says of them."""

import re
from collections.abc import Iterator
from typing import Any


def value_for(field: dict[str, Any], core: str) -> Any:
    """A valid value of a field, with `core` in it unless it is a number or a choice."""
    match field["type"]:
        case "boolean":
            return True
        case "integer" | "number":
            return 5432
        case "select":
            option = field["options"][0]
            return option["value"] if isinstance(option, dict) else option
        case "email":
            return f"{core}@example.com"
        case "url":
            address = f"https://e2e.example.com/{core}"
            return address if _fits(field, address) else field["placeholder"]
    return _text(field, core)


def _fits(field: dict[str, Any], text: str) -> bool:
    pattern = (field.get("validation") or {}).get("pattern")
    return not pattern or re.fullmatch(f"(?:{pattern})", text) is not None


def _text(field: dict[str, Any], core: str) -> str:
    rules = field.get("validation") or {}
    pattern = rules.get("pattern")
    shortest, longest = rules.get("minLength") or 0, rules.get("maxLength") or 100_000
    for start in _starts(pattern, field.get("placeholder") or ""):
        for part in _parts(core):
            text = (start + part).ljust(shortest, "0")
            if len(text) <= longest and (not pattern or re.fullmatch(f"(?:{pattern})", text)):
                return text
    if not field["secure"]:
        # A number or one of a few words: nothing of the core can be in it, and nobody searches for what is no secret.
        digits = "".join(str(ord(character) % 10) for character in core)[:12]
        for text in (digits, field.get("placeholder") or "", *re.findall(r"[A-Za-z]{2,}", pattern or "")):
            if _fits(field, text):
                return text
    raise AssertionError(f"found no value for the field {field}: teach support/fields.py")


def _starts(pattern: str | None, placeholder: str) -> Iterator[str]:
    """What a value may begin with: nothing, what its pattern says literally, what its placeholder begins with."""
    yield ""
    if pattern:
        literal = re.match(r"\^?((?:\\?[A-Za-z0-9_:/.-])*)(?![*+?{|])", pattern)
        yield literal[1].replace("\\", "") if literal else ""
        yield from re.findall(r"[A-Za-z0-9_:/.-]{2,}", pattern)
    for length in range(len(placeholder), 0, -1):
        yield placeholder[:length]


def _parts(core: str) -> Iterator[str]:
    """The whole if it fits, else its beginning, which a search still finds."""
    for length in (len(core), 20, 16):
        yield from (core[:length], core[:length].lower(), core[:length].upper())
