"""A real patchbay process with its own data folder, that a test may kill, stop and start again."""

import contextlib
import os
import random
import secrets
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

REPOSITORY = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("PATCHBAY_BINARY", REPOSITORY / ".build" / "release" / "patchbay")).absolute()

# How long anything may take before it counts as stuck. Never a measure of speed.
PATIENCE = 60.0

# For clients that speak plain HTTP. httpx makes one for each client otherwise, and reads all the world's roots for it.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ServerEnded(Exception):
    """The process ended although it was to serve."""

    def __init__(self, code: int, output: str):
        super().__init__(f"patchbay ended with {code}\n{output[-4000:]}")
        self.code = code
        self.output = output


def free_port() -> int:
    """Below the range from which the kernel gives ports to outgoing connections, so that none takes it meanwhile."""
    while True:
        port = random.randint(20_000, 32_000)
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Awaits something that sends no event, and returns its first true value."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(0.01)
    return value


class Server:
    """One store and the process that serves it. `start`, `stop` and `kill` may be called again and again."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str | None] | None = None,
        wrapper: Sequence[str] = (),
        preexec: Callable[[], None] | None = None,
        data: Path | None = None,
        keeps_port: bool = False,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = data or folder / "data"
        self.bootstrap_key = "e2e-bootstrap-" + secrets.token_urlsafe(32)
        self.wrapper = list(wrapper)
        self.preexec = preexec
        self.log_file = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        # An address that others were told, a callback's say, has to outlive the process.
        self.keeps_port = keeps_port
        self._changes = dict(environment or {})

    @property
    def environment(self) -> dict[str, str]:
        """What the process and the command line get: nothing of the machine's own PATCHBAY_ variables.

        `{port}` in a value becomes the server's port.
        """
        variables: dict[str, str | None] = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PATCHBAY_HOST": "127.0.0.1",
            "PATCHBAY_PORT": str(self.port),
            "PATCHBAY_DATA_DIR": str(self.data),
            "PATCHBAY_BOOTSTRAP_API_KEY": self.bootstrap_key,
            "PATCHBAY_LOG_FORMAT": "json",
            **self._changes,
        }
        return {name: value.replace("{port}", str(self.port)) for name, value in variables.items() if value is not None}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None, "not started"
        return self.process.pid

    def change(self, **variables: str | None) -> None:
        """Sets variables for the next start; None removes one."""
        self._changes.update(variables)

    # Life and death

    def start(self) -> "Server":
        """Starts the process and waits until it says that it is ready."""
        self.spawn()
        wait_until(self._is_ready, f"{self.url}/health/ready")
        return self

    def spawn(self) -> None:
        """Starts the process and waits for nothing."""
        assert self.process is None, "already started"
        if not BINARY.exists():
            raise FileNotFoundError(
                f"{BINARY} is not there: build it first (make build), or name one in PATCHBAY_BINARY"
            )
        if not (self.keeps_port and self.port):
            self.port = free_port()
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, str(BINARY), "serve"],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=self.preexec,
            )

    def _is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            raise ServerEnded(code, self.log())
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=PATIENCE, verify=NO_TLS).status_code == 200
        except httpx.TransportError:
            return False

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, patience: float = PATIENCE) -> int:
        """Waits for the end that somebody else brought about, and returns the exit status."""
        assert self.process is not None, "not started"
        code = self.process.wait(patience)
        self.process = None
        return code

    def stop(self) -> int:
        """Asks for the end as an operator would, and returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """Ends the process without a word to it."""
        self.signal(signal.SIGKILL)
        self.wait()

    def restart(self) -> "Server":
        """Starts again on the same store, ending what still runs."""
        if self.process is not None:
            self.stop()
        return self.start()

    def discard(self) -> None:
        """Leaves nothing behind, whatever state a failed test left."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
            self.process.wait(PATIENCE)
            self.process = None

    # Talking to it

    def client(self, key: str | None = None, workspace: str | None = None, **options: Any) -> httpx.Client:
        """A client that sends this key, and this workspace if one is named."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if workspace is not None:
            headers["X-Workspace-Id"] = workspace
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE, **{"verify": NO_TLS, **options})

    def admin(self, workspace: str | None = None, **options: Any) -> httpx.Client:
        """A client that sends the instance-wide key."""
        return self.client(self.bootstrap_key, workspace, **options)

    def command(
        self, *arguments: str, environment: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a subcommand of the same binary on the same data folder, as an operator would beside it."""
        variables: dict[str, str | None] = {**self.environment, **(environment or {})}
        return subprocess.run(
            [str(BINARY), *arguments],
            env={name: value for name, value in variables.items() if value is not None},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    # Looking at what it left

    def log(self) -> str:
        """All that was written to stdout and stderr since the first start."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def database(self) -> Path:
        """The database file, found by what it is rather than by its name."""
        found = [path for path in self.data.rglob("*") if path.is_file() and _is_sqlite(path)]
        assert len(found) == 1, f"expected one SQLite database in {self.data}, found {found}"
        return found[0]


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"
