"""The whole document under schemathesis, all checks: what it promises is what the server does."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.api import ok
from support.document import operations
from support.server import Server

HERE = Path(__file__).parent


def test_the_server_keeps_every_promise_of_its_document(make_server: Callable[..., Server], tmp_path: Path) -> None:
    server = make_server().start()
    with server.admin() as admin:
        session = ok(admin.get("/api/v1/auth/session"))
        own = [session["api_key"]["id"], session["workspace"]["id"]]
        document = ok(admin.get("/openapi.json"))
    # From a file, because read from the server it would leave out the address that it was read from.
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", str(tmp_path / "openapi.json"), "--url", server.url, "--checks", "all", "--no-color"),
            *("--report", "junit", "--report-junit-path", str(tmp_path / "junit.xml")),
        ],
        cwd=HERE,
        env={
            **os.environ,
            "PATCHBAY_E2E_KEY": server.bootstrap_key,
            "PATCHBAY_E2E_PROTECTED": ",".join(own),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4000:]
    # It ran as somebody to the end, and over everything.
    with server.admin() as admin:
        ok(admin.get("/api/v1/auth/session"))
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested and int(tested[1]) == len(list(operations(document))), done.stdout[-4000:]
