"""Reads tokens and refreshes grants: a store of connections to `patchbay simulate`, all of them due at one moment.

The refreshes are the scheduler's own. Their yardstick is bare-client, which sends the same token requests to the same
simulator and writes nothing down.
"""

import http.client
import json
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import load
import seed
from load import MeasurementError, Sample
from report import Goal, Results
from rounds import BARE_CLIENT, BINARY, RUN, Settings, Step, run_rounds, say
from server import HOST, Patchbay, ServerError, Simulator

REFRESHES = 10_000
# Of the same connections, so many have their tokens read.
READ = 1000
# EgressLimits.concurrencyPerHost: so many token requests of the service are under way at one host.
CONCURRENCY = 64
# It gives a new refresh token each time, and ends a grant whose old one is seen again.
CLIENT = "simulator--rotate"
CLIENT_SECRET = "simulator-secret"

SEEDERS = 4
TOKEN_LIFETIME = 86_400
# From the change of the store until all are due; the server is started in between.
LEAD = 1.5
POLL_INTERVAL = 0.05
REFRESH_TIMEOUT = 90.0
BARE_TIMEOUT = 60.0

TOKEN = "token"
IDLE_GET = f"get at {REFRESHES:,}, idle"
BUSY_GET = f"get at {REFRESHES:,}, refreshing"
BARE = "bare token requests"
ALONE = "refreshes"
BESIDE_GET = "refreshes beside get"

Grant = dict[str, str]


# MARK: Speaking JSON


class Client:
    """One kept connection to a server."""

    def __init__(self, port: int, key: str | None = None) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=30)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method: str, path: str, body: object = None) -> dict:
        """`{}` where the answer has no body."""
        return json.loads(self._ask(method, path, body) or b"{}")

    def text(self, path: str) -> str:
        return self._ask("GET", path).decode()

    def _ask(self, method: str, path: str, body: object = None) -> bytes:
        content = None if body is None else json.dumps(body)
        headers = self._headers if body is None else self._headers | {"Content-Type": "application/json"}
        try:
            self._connection.request(method, path, content, headers)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise MeasurementError(f"{method} {path}: {error!r}") from error
        if response.status not in (200, 204):
            said = answer.decode(errors="replace")[:500]
            raise MeasurementError(f"{method} {path} answered {response.status}: {said}")
        return answer

    def close(self) -> None:
        self._connection.close()


@dataclass
class Bench:
    """The server, the provider and what is measured with them. Both run, except while the store is changed."""

    server: Patchbay
    simulator: Simulator
    bare_client: Path
    folder: Path
    count: int = REFRESHES
    # What the provider had seen before the refreshes, and what the last reader beside them saw.
    _seen: dict[str, int] = field(default_factory=dict)
    reader: Sample = Sample(0)

    @property
    def ids(self) -> Path:
        """Lists the connections, one id a line."""
        return self.folder / "oauth-ids"

    # MARK: The store

    def make_connections(self) -> None:
        """Through the API, with tokens for a day. One app is all that an integration needs to be refreshed."""
        with self._client() as client:
            client.call("POST", "/api/v1/oauth/apps", {
                "integration": "oauth2", "client_id": CLIENT, "client_secret": CLIENT_SECRET, "scopes": ["read"],
                "config": self._config})
        grants = self._grants(self.count)
        ids: list[str] = [""] * len(grants)
        failures: list[BaseException] = []

        def create(turn: int) -> None:
            try:
                with self._client() as client:
                    for number in range(turn, len(grants), SEEDERS):
                        body = self._body(grants[number], number)
                        ids[number] = client.call("POST", "/api/v1/connections", body)["id"]
            except BaseException as error:  # told by the thread that waits
                failures.append(error)

        threads = [threading.Thread(target=create, args=(turn,)) for turn in range(SEEDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        self.ids.write_text("\n".join(ids) + "\n")

    @property
    def _config(self) -> dict[str, str]:
        return {
            "base_url": f"{self.simulator.url}/api", "authorize_url": f"{self.simulator.url}/authorize",
            "token_url": f"{self.simulator.url}/token"}

    def _body(self, grant: Grant, number: int) -> dict:
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + TOKEN_LIFETIME))
        return {
            "integration": "oauth2", "integration_type": "api", "label": f"Grant {number}",
            "config": self._config, "credentials": {
                "access_token": grant["access_token"], "refresh_token": grant["refresh_token"], "expires_at": expires}}

    def _grants(self, count: int) -> list[Grant]:
        with closing(Client(self.simulator.port)) as control:
            return control.call("POST", "/_simulate/grants", {
                "count": count, "client_id": CLIENT, "scope": "read", "expires_in": TOKEN_LIFETIME})["grants"]

    @contextmanager
    def _client(self) -> Iterator[Client]:
        with closing(Client(self.server.port, self.server.api_key)) as client:
            yield client

    # MARK: What is measured

    def requests(self, mode: str, count: int, seconds: int) -> Sample:
        return load.wrk(self.server.url, mode, count, seconds, ids=self.ids)

    def bare(self) -> Sample:
        """Other grants, fresh each time: a refresh token is good for one refresh."""
        forms = self.folder / "bare-client.forms"
        forms.write_text("".join(
            urlencode({
                "grant_type": "refresh_token", "refresh_token": grant["refresh_token"], "client_id": CLIENT,
                "client_secret": CLIENT_SECRET}) + "\n"
            for grant in self._grants(REFRESHES)))
        command = [str(self.bare_client), f"{self.simulator.url}/token", str(forms), str(CONCURRENCY)]
        try:
            finished = subprocess.run(command, capture_output=True, text=True, timeout=BARE_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MeasurementError(f"bare-client: {error}") from error
        finally:
            forms.unlink()
        if finished.returncode != 0:
            raise MeasurementError(finished.stderr.strip() or f"bare-client ended with {finished.returncode}")
        return Sample(float(finished.stdout))

    def refreshes(self) -> Sample:
        """A second, from the moment when all are due until the last is written down."""
        due = self._make_due()
        sleep_until(due)
        return Sample(REFRESHES / self._wait_for_all(due))

    def refreshes_under_load(self) -> Sample:
        """The same while somebody asks for connections, who leaves in `reader` what was seen."""
        due = self._make_due()
        sleep_until(due)
        with load.wrk_until_stopped(self.server.url, "listed", REFRESHES, self.ids) as reader:
            seconds = self._wait_for_all(due)
        self.reader = reader()
        return Sample(REFRESHES / seconds)

    # MARK: Being due

    def _make_due(self) -> float:
        """All at one moment, which no API can do: expiries are spread on purpose. The server runs again before that."""
        self.server.stop()
        due = time.time() + LEAD
        with self._database("rw") as database:
            changed = database.execute("UPDATE oauth_grant SET due_at = ?", (int(due * 1e6),)).rowcount
            database.commit()
        try:
            self.server.start()
        except ServerError as error:
            raise MeasurementError(str(error)) from error
        if changed != REFRESHES:
            raise MeasurementError(f"{changed} grants, not {REFRESHES}")
        if time.time() > due:
            raise MeasurementError("the server was not ready when the grants were due")
        self._seen = self._outcomes()
        return due

    def _wait_for_all(self, due: float) -> float:
        """The provider says how far it is; the last word is the store's."""
        while self._refreshed() < REFRESHES or self._left(due) > 0:
            if time.time() - due > REFRESH_TIMEOUT:
                raise MeasurementError(
                    f"not all of {REFRESHES} are refreshed after {REFRESH_TIMEOUT:.0f} s: {self._since()}")
            time.sleep(POLL_INTERVAL)
        seconds = time.time() - due
        if self._since() != {"refreshed": REFRESHES}:
            raise MeasurementError(f"not each was refreshed once: {self._since()}")
        return seconds

    def _outcomes(self) -> dict[str, int]:
        with closing(Client(self.simulator.port)) as control:
            return control.call("GET", "/_simulate/stats")["outcomes"]

    def _since(self) -> dict[str, int]:
        """What became of the token requests of this measurement."""
        grown = {name: count - self._seen[name] for name, count in self._outcomes().items()}
        return {name: count for name, count in grown.items() if count}

    def _refreshed(self) -> int:
        return self._since().get("refreshed", 0)

    def _left(self, due: float) -> int:
        with self._database("ro") as database:
            return database.execute(
                "SELECT COUNT(*) FROM oauth_grant WHERE due_at <= ? OR lease_until IS NOT NULL OR state <> 'live'",
                (int(due * 1e6),)).fetchone()[0]

    @contextmanager
    def _database(self, mode: str) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"file:{self.server.data}/patchbay.db?mode={mode}", uri=True)) as database:
                yield database
        except sqlite3.Error as error:
            raise MeasurementError(f"the store: {error}") from error


# MARK: All of it


def prepare(running: ExitStack) -> Bench:
    """A server with connections, and the provider that they are connections to. May fail as both may."""
    data = RUN / "oauth"
    server = Patchbay(BINARY, data, seed.API_KEY, PATCHBAY_EGRESS_ALLOW=f"oauth={HOST}/32")
    simulator = Simulator(BINARY, RUN / "simulator.log")
    running.enter_context(simulator)
    running.enter_context(server)
    say(f"making {REFRESHES:,} connections to a simulated provider")
    bench = Bench(server, simulator, BARE_CLIENT, RUN)
    bench.make_connections()
    server.empty_log()
    return bench


def token_reads(bench: Bench) -> Step:
    return Step(TOKEN, lambda seconds: bench.requests("token", READ, seconds), bench.server)


def measure(bench: Bench, settings: Settings, results: Results) -> None:
    steps = [
        Step(IDLE_GET, lambda seconds: bench.requests("listed", REFRESHES, seconds), bench.server),
        Step(BARE, lambda _: bench.bare()),
        Step(ALONE, lambda _: bench.refreshes(), bench.server),
        Step(BESIDE_GET, lambda _: bench.refreshes_under_load(), bench.server,
             beside=(BUSY_GET, lambda: bench.reader)),
    ]
    run_rounds("refreshes", steps, settings, results)


def goals(results: Results) -> list[Goal]:
    count = f"{REFRESHES:,}"
    return [
        Goal("reading a token, against /health/live", results.ratio(TOKEN, to="live"), 0.2, 0.35),
        Goal(f"{count} refreshes due at once, against a bare client", results.ratio(ALONE, to=BARE), 0.4),
        Goal("the same beside GETs, against a bare client alone", results.ratio(BESIDE_GET, to=BARE), 0.4),
        Goal("GET one connection meanwhile, against idle", results.ratio(BUSY_GET, to=IDLE_GET), 0.5),
    ]


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))
