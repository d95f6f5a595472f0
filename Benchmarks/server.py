"""Starts and stops what is measured: patchbay, and nginx for comparison. Both listen on loopback only."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

HOST = "127.0.0.1"
READY_TIMEOUT = 30.0
STOP_TIMEOUT = 15.0
POLL_INTERVAL = 0.0005


class ServerError(Exception):
    pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def answers(port: int, path: str) -> bool:
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


class Process:
    """A server that runs inside a `with` block. Its log is kept beside its data."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"]}

    def is_ready(self) -> bool:
        raise NotImplementedError

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Returns how many seconds passed from exec to ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            begin = time.perf_counter()
            self._process = subprocess.Popen(
                self.command(), env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not self.is_ready():
            if self._process.poll() is not None:
                raise ServerError(f"{self.name} ended while starting; see {self.log.name}")
            if time.perf_counter() - begin > READY_TIMEOUT:
                self.stop()
                raise ServerError(f"{self.name} was not ready after {READY_TIMEOUT:.0f} s")
            time.sleep(POLL_INTERVAL)
        return time.perf_counter() - begin

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def is_well(self) -> bool:
        return self._process is not None and self._process.poll() is None and self.is_ready()

    def restart(self, keeping_log: Path) -> None:
        self.stop()
        self.log.rename(keeping_log)
        self.start()

    def empty_log(self) -> None:
        """The log is written in full, but not kept: a run would leave gigabytes."""
        os.truncate(self.log, 0)

    def peak_memory(self) -> float:
        """In MiB, by the kernel's account since the start."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024


class Patchbay(Process):
    def __init__(self, binary: Path, data: Path, api_key: str, **settings: str) -> None:
        super().__init__("patchbay", data.with_suffix(".log"))
        self.settings = settings
        self.binary = binary
        self.data = data
        self.api_key = api_key

    def command(self) -> list[str]:
        return [str(self.binary), "serve"]

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "PATCHBAY_HOST": HOST,
            "PATCHBAY_PORT": str(self.port),
            "PATCHBAY_DATA_DIR": str(self.data),
            "PATCHBAY_BOOTSTRAP_API_KEY": self.api_key,
            "PATCHBAY_LOG_LEVEL": "info",
            "PATCHBAY_LOG_FORMAT": "json",
        } | self.settings

    def is_ready(self) -> bool:
        return answers(self.port, "/health/ready")


class Simulator(Process):
    """The provider of the binary, in a process of its own. It forgets all when it is stopped."""

    def __init__(self, binary: Path, log: Path) -> None:
        super().__init__("simulator", log)
        self.binary = binary

    def command(self) -> list[str]:
        return [str(self.binary), "simulate", "--port", str(self.port)]

    def is_ready(self) -> bool:
        return answers(self.port, "/_simulate/stats")


class Nginx(Process):
    """As little as a web server can do: a fixed answer, nothing logged."""

    CONFIGURATION = """
        daemon off;
        worker_processes 2;
        pid nginx.pid;
        error_log stderr;
        events {{ worker_connections 1024; }}
        http {{
            access_log off;
            keepalive_requests 1000000000;
            client_body_temp_path tmp;
            proxy_temp_path tmp;
            fastcgi_temp_path tmp;
            uwsgi_temp_path tmp;
            scgi_temp_path tmp;
            default_type application/json;
            server {{
                listen {host}:{port};
                location / {{ return 200 '{{"status":"ok"}}'; }}
            }}
        }}
    """

    def __init__(self, binary: str, folder: Path) -> None:
        super().__init__("nginx", folder.with_suffix(".log"))
        self.binary = binary
        self.folder = folder

    def command(self) -> list[str]:
        return [self.binary, "-p", str(self.folder), "-e", "stderr", "-c", "nginx.conf"]

    def start(self) -> float:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "nginx.conf").write_text(self.CONFIGURATION.format(host=HOST, port=self.port))
        return super().start()

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0
