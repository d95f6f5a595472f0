"""A person at a browser, without the browser: follows redirects, keeps cookies, fills in the providers' forms."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from providers.control import PASSWORD
from support.server import NO_TLS, PATIENCE

_FAR = 25


@dataclass
class Form:
    """A form of a page: where it goes, its fields, and the names of its buttons."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag in ("input", "button") and self.found:
            button = tag == "button" or given.get("type") in ("submit", "button")
            into = self.found[-1].buttons if button else self.found[-1].fields
            if given.get("name"):
                into[given["name"]] = given.get("value", "")


def forms(page: str) -> list[Form]:
    reader = _Forms()
    reader.feed(page)
    return reader.found


def query(url: str) -> dict[str, str]:
    """The query of an address; the last of equal names."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


class Person:
    """One browser's worth of cookies, and somebody who has an account at the providers."""

    def __init__(self, name: str = "alice", **options: Any):
        self.name = name
        self.client = httpx.Client(follow_redirects=False, timeout=PATIENCE, **{"verify": NO_TLS, **options})
        self.went: list[str] = []

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, url: str) -> httpx.Response:
        """One request, and no step further."""
        self.went.append(url)
        return self.client.get(url)

    def walk(self, url: str, until: Callable[[str], bool], allow: bool = True) -> str:
        """Goes where it is sent, signs in and allows (or not), and returns the first address that it must not visit."""
        for _ in range(_FAR):
            if until(url):
                return url
            answer = self.get(url)
            for _ in range(3):
                if answer.is_redirect:
                    break
                answer = self._fill_in(answer, allow)
            assert answer.is_redirect, f"{answer.request.url} leads nowhere: {answer.status_code} {answer.text[:2000]}"
            url = urljoin(str(answer.request.url), answer.headers["Location"])
        raise AssertionError(f"sent around in circles: {self.went[-_FAR:]}")

    def finish(self, url: str, allow: bool = True) -> httpx.Response:
        """Goes where it is sent, signs in and allows (or not), and returns the page at which that ends."""
        for _ in range(_FAR):
            answer = self.get(url)
            while not answer.is_redirect:
                if not forms(answer.text):
                    return answer
                answer = self._fill_in(answer, allow)
            url = urljoin(str(answer.request.url), answer.headers["Location"])
        raise AssertionError(f"sent around in circles: {self.went[-_FAR:]}")

    def _fill_in(self, page: httpx.Response, allow: bool) -> httpx.Response:
        found = forms(page.text)
        where = f"{page.status_code} at {page.request.url}"
        assert page.status_code == 200 and len(found) == 1, f"no form to fill in: {where}\n{page.text[:2000]}"
        form = found[0]
        data = dict(form.fields)
        if "password" in form.fields:
            data |= {"username": self.name, "password": PASSWORD} | form.buttons
        else:
            assert "allow" in form.buttons, f"neither a sign-in nor a consent: {where}\n{page.text[:2000]}"
            chosen = ("allow",) if allow else tuple(name for name in form.buttons if name != "allow")
            data |= {name: form.buttons[name] for name in chosen}
        target = urljoin(str(page.request.url), form.action)
        self.went.append(target)
        return self.client.post(target, data=data, headers={"Referer": str(page.request.url)})
