"""TLS and HTTP/2, as curl speaks them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.certificate import self_signed
from support.server import Server, wait_until


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    return self_signed(tmp_path)


@pytest.mark.parametrize(("option", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
def test_both_versions_over_tls(
    make_server: Callable[..., Server], certificate: tuple[Path, Path], option: str, version: str
) -> None:
    certificate_file, key_file = certificate
    server = make_server({"PATCHBAY_TLS_CERT": str(certificate_file), "PATCHBAY_TLS_KEY": str(key_file)})
    server.spawn()
    url = f"https://127.0.0.1:{server.port}"

    def curl(path: str, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["curl", "-s", option, "--cacert", str(certificate_file), "-w", "\n%{http_code} %{http_version}"]
            + ["-H", f"Authorization: Bearer {server.bootstrap_key}", *arguments, url + path],
            input=stdin,
            capture_output=True,
            timeout=30,
        )
        return done.stdout.decode()

    wait_until(lambda: curl("/health/live").endswith(f"200 {version}"), url)
    assert curl("/api/v1/auth/session").endswith(f"200 {version}")
    # The answer that closes an HTTP/1.1 connection ends only its own stream in HTTP/2.
    large = ["-X", "POST", "-H", "Content-Type: application/json", "-H", "Expect:", "--data-binary", "@-"]
    answer = curl("/api/v1/connections", *large, stdin=b'"' + b"x" * (2 << 20) + b'"')
    assert answer.endswith(f"413 {version}"), answer
    assert '"detail"' in answer
    assert server.stop() == 0


def test_a_certificate_that_is_none(make_server: Callable[..., Server], tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no certificate\n")
    server = make_server({"PATCHBAY_TLS_CERT": str(nothing), "PATCHBAY_TLS_KEY": str(nothing)})
    server.spawn()
    assert server.wait() != 0
    assert "PATCHBAY_TLS_CERT" in server.log()
