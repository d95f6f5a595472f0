"""A PostgreSQL server of Debian's, in a folder of its own, which no superuser of the machine runs."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from support.authority import Certificate
from support.server import PATIENCE, free_port, wait_until

# Packets of the protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")

_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
max_connections = 20
shared_buffers = 16MB
log_statement = all
"""

# `narrow` may log in and not use `closed`; `idle` has no connection left; `barred` is turned away by name; `old` proves
# itself the older way; `open` needs no password; `tls_only` is let in by TLS alone.
_RULES = """
host all barred 127.0.0.1/32 reject
host all open 127.0.0.1/32 trust
hostssl all tls_only 127.0.0.1/32 scram-sha-256
host all tls_only 127.0.0.1/32 reject
host all old 127.0.0.1/32 md5
host all all 127.0.0.1/32 scram-sha-256
"""


def _tools() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        raise FileNotFoundError("no PostgreSQL here: sh Scripts/bootstrap.sh test")
    return found[-1].parent


class PostgresServer:
    """Started and filled by the time that it is made. It may be shown another certificate, or none, while it runs."""

    def __init__(self) -> None:
        # Not below pytest's own folder, which is closed to everybody else.
        self._folder = Path(tempfile.mkdtemp(prefix="e2e-postgres-"))
        self._data = self._folder / "data"
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._give(self._folder)
        self.passwords = {name: secrets.token_urlsafe(18) for name in ("alice", "narrow", "idle", "barred", "old")}
        self.passwords |= {"tls_only": secrets.token_urlsafe(18), "open": "", "postgres": secrets.token_urlsafe(18)}
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._make()
            self._start()
            self._fill()
        except BaseException:
            self.stop()
            raise

    def uri(self, user: str = "alice", password: str | None = None, database: str = "shop", **options: str) -> str:
        password = self.passwords.get(user, "") if password is None else password
        query = "&".join(f"{name}={value}" for name, value in options.items() if name != "host")
        address = f"{options.get('host', '127.0.0.1')}:{self.port}"
        return f"postgresql://{user}:{password}@{address}/{database}?{query}"

    def show(self, certificate: Certificate | None) -> None:
        """From now on this is what it shows to those that ask for TLS; None for no TLS."""
        if certificate is None:
            self._set("ssl = off")
            wait_until(lambda: self._certificate() is None, "a PostgreSQL server without TLS")
            return
        for path, name in ((certificate.certificate_file, "shown.pem"), (certificate.key_file, "shown.key")):
            copy = self._folder / name
            copy.write_bytes(path.read_bytes())
            copy.chmod(0o600)
            self._give(copy)
        self._set(f"ssl = on\nssl_cert_file = '{self._folder}/shown.pem'\nssl_key_file = '{self._folder}/shown.key'")
        wait_until(lambda: self._certificate() == certificate.der, "a PostgreSQL server with its new certificate")

    def log(self) -> str:
        return (self._folder / "server.log").read_text(errors="replace")

    def stop(self) -> None:
        if self._process is not None:
            # Fast: it disconnects whoever is there.
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(PATIENCE)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    # Making it

    def _give(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    @property
    def _as_user(self) -> dict[str, Any]:
        """Whose processes they are: PostgreSQL refuses to run as root."""
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            **self._as_user,
        )
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            "PGPASSWORD": self.passwords["postgres"],
        }

    def _make(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self.passwords["postgres"])
        self._give(password_file)
        self._run(
            *(f"{_tools()}/initdb", "--no-sync", "--no-instructions", "-U", "postgres", "-E", "UTF8"),
            *("--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={password_file}", "-D", str(self._data)),
        )
        (self._data / "pg_hba.conf").write_text(_RULES)
        self._write(f"port = {self.port}{_SETTINGS}", "postgresql.conf")
        self._write("ssl = off\n", "tls.conf")

    def _write(self, text: str, name: str) -> None:
        path = self._data / name
        path.write_text(text if name != "postgresql.conf" else f"{text}include 'tls.conf'\n")
        self._give(path)

    def _set(self, text: str) -> None:
        assert self._process is not None
        self._write(f"{text}\n", "tls.conf")
        self._process.send_signal(signal.SIGHUP)

    def _start(self) -> None:
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [f"{_tools()}/postgres", "-D", str(self._data)],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._as_user,
            )
        wait_until(self._is_ready, "PostgreSQL")

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        return "ready to accept connections" in self.log()

    def _fill(self) -> None:
        roles = "".join(
            f"CREATE ROLE {name} LOGIN PASSWORD '{password}';"
            for name, password in self.passwords.items()
            if name not in ("postgres", "old", "open")
        )
        statements = [
            roles,
            f"SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD '{self.passwords['old']}';",
            "CREATE ROLE open LOGIN; ALTER ROLE idle CONNECTION LIMIT 0;",
            "CREATE DATABASE shop",
            "CREATE DATABASE closed",
            "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
        ]
        command = [f"{_tools()}/psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        for statement in statements:
            command += ["-c", statement]
        self._run(*command, "-d", "postgres", "-v", "ON_ERROR_STOP=1")

    def _certificate(self) -> bytes | None:
        """What it shows now, in DER."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.port), PATIENCE)) as plain:
            plain.sendall(_SSL_REQUEST)
            if plain.recv(1) != b"S":
                return None
            with context.wrap_socket(plain) as tls:
                return tls.getpeercert(binary_form=True)
