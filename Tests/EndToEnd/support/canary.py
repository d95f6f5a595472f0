"""Secrets that are planted to be looked for, in every form in which they might come out again."""

import base64
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx


@cache
def forms(core: bytes) -> dict[str, bytes]:
    """What to search for: each form holds only bytes that depend on nothing around the secret."""
    result = {
        "raw": core,
        "hex": core.hex().encode(),
        "HEX": core.hex().upper().encode(),
        "percent-encoded": "".join(f"%{byte:02x}" for byte in core).encode(),
        "PERCENT-ENCODED": "".join(f"%{byte:02X}" for byte in core).encode(),
        "URL-quoted": quote(core, safe="").encode(),
    }
    for offset in range(3):
        # Of three alignments one is the right one, whatever stands before. The first and last characters of each
        # depend on the neighbours and are cut off.
        encoded = base64.b64encode(b"\0" * offset + core)
        whole = encoded[4 if offset else 0 : (offset + len(core)) // 3 * 4]
        result[f"base64+{offset}"] = whole
        result[f"base64url+{offset}"] = whole.replace(b"+", b"-").replace(b"/", b"_")
    try:
        text = core.decode()
    except UnicodeDecodeError:
        # Bytes that are no text, a master key for one, as a list of numbers.
        result["JSON array"] = ",".join(str(byte) for byte in core).encode()
    else:
        result["JSON-escaped"] = json.dumps(text)[1:-1].encode()
        result["JSON \\u"] = "".join(f"\\u{ord(character):04x}" for character in text).encode()
        result["JSON \\U"] = "".join(f"\\u{ord(character):04X}" for character in text).encode()
        result["UTF-16"] = text.encode("utf-16-le")
    return result


def _new_tag() -> str:
    return "Zq" + secrets.token_hex(5)


@dataclass
class Nest:
    """All that was planted.

    Secrets made here begin with a tag, so that one search finds them all, shortened ones too; those that their own
    sender may be shown again begin with another. Secrets made elsewhere are looked for one by one.
    """

    tag: str = field(default_factory=_new_tag)
    echo_tag: str = field(default_factory=_new_tag)
    places: dict[str, str] = field(default_factory=dict)
    others: list[tuple[str, bytes]] = field(default_factory=list)

    def core(self, place: str, echo_allowed: bool = False) -> str:
        """A new secret of letters and digits, which every form of writing leaves in one piece."""
        core = (self.echo_tag if echo_allowed else self.tag) + secrets.token_hex(8)
        self.places[core] = place
        return core

    def plant(self, place: str, value: str | bytes) -> None:
        """Remembers a secret that was made elsewhere."""
        self.others.append((place, value if isinstance(value, bytes) else value.encode()))

    def found_in(self, where: str, content: bytes, answer: bool = False) -> list[str]:
        """Every sight of a secret, told without telling it."""
        sights = []
        for tag in [self.tag] if answer else [self.tag, self.echo_tag]:
            for style in (str, str.lower, str.upper):
                for form, needle in forms(style(tag).encode()).items():
                    if (at := content.find(needle)) >= 0:
                        # Whose it is stands around it: to look for all that was planted in all there is takes long.
                        around = content[max(0, at - 500) : at + 500]
                        sights.append(f"{self._whose(style, around)}: {form} in {where}")
        for place, core in self.others:
            sights += [f"{place}: {form} in {where}" for form, needle in forms(core).items() if needle in content]
        return sights

    def _whose(self, style: Callable[[str], str], content: bytes) -> str:
        whole = [
            place
            for core, place in self.places.items()
            if any(needle in content for needle in forms(style(core).encode()).values())
        ]
        return ", ".join(whole[:3]) or "a part of a secret"

    def found_under(self, folder: Path, except_files: Iterable[Path] = ()) -> list[str]:
        """The same in all files of a folder, and in their names."""
        skipped = {path.resolve() for path in except_files}
        sights: list[str] = []
        for path in sorted(folder.rglob("*")):
            sights += self.found_in("a file's name", path.name.encode())
            if path.is_file() and path.resolve() not in skipped:
                sights += self.found_in(str(path.relative_to(folder)), path.read_bytes())
        return sights


class Ears:
    """Hears every answer of the clients that it is given to, head and body."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    def listen(self, response: httpx.Response) -> None:
        response.read()
        head = b"".join(name + b": " + value + b"\n" for name, value in response.headers.raw)
        what = f"{response.status_code} of {response.request.method} {response.request.url.path}"
        self.heard.append((what, head + b"\n" + response.content))

    @property
    def hooks(self) -> dict[str, Any]:
        return {"response": [self.listen]}
