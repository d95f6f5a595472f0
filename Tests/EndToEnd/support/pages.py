"""What every page of ours has to be: plain, without scripts, in no cache, silent on where people came from."""

import re

import httpx


def text_of(page: httpx.Response) -> str:
    """What somebody reads."""
    return " ".join(re.sub(r"<(style|title)[^>]*>.*?</\1>|<[^>]+>", " ", page.text, flags=re.DOTALL).split())


def assert_is_a_page(page: httpx.Response, *statuses: int) -> None:
    where = f"{page.status_code} at {page.request.url.path}: {text_of(page)[:300] or dict(page.headers)}"
    assert page.status_code in statuses, where
    wanted = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    headers = {name: page.headers.get(name) for name in wanted}
    assert headers == wanted, where
    policy = page.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, f"{policy!r}: {where}"
    assert "<script" not in page.text.lower(), where
    assert re.search(r"<title>[^<]+</title>", page.text), where
    # Somebody is told something, not a code.
    assert len(text_of(page).split()) >= 4, where
