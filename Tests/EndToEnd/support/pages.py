"""What every page of ours has to be: plain, without scripts, in no cache, silent on where people came from."""

import re

import httpx


def assert_is_a_page(page: httpx.Response, *statuses: int) -> None:
    where = f"{page.status_code} at {page.request.url.path}: {page.text[:600]}"
    assert page.status_code in statuses, where
    assert page.headers["Content-Type"].lower().replace(" ", "") == "text/html;charset=utf-8", where
    assert "no-store" in page.headers.get("Cache-Control", ""), where
    assert page.headers.get("Referrer-Policy") == "no-referrer", where
    assert page.headers.get("X-Content-Type-Options") == "nosniff", where
    policy = page.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, where
    assert "unsafe" not in policy and "*" not in policy, where
    assert "<script" not in page.text.lower(), where
    assert re.search(r"<title>[^<]+</title>", page.text), where
    # Somebody is told something, not a code.
    said = re.sub(r"<(style|title)[^>]*>.*?</\1>|<[^>]+>", " ", page.text, flags=re.DOTALL)
    assert len(said.split()) >= 4, where
