"""Delivers events: a journal of many entries, all of them sent to a receiver that answers at once.

The journal is written behind the service's back, since making so many entries is not what is measured. The yardstick is
bare-client, which sends the same bodies to the same receiver, as many at once, and signs and writes down nothing.
"""

import json
import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import seed
from load import MeasurementError, Sample
from oauth import Client
from report import Goal, Results
from rounds import BARE_CLIENT, BINARY, RUN, Settings, Step, give_up, run_rounds, say
from server import HOST, Nginx, Patchbay, ServerError

BARE_EVENTS = "bare webhook requests"
DELIVERIES = "webhook deliveries"

ENTRIES = 50_000
# Lane.concurrency: so many messages of the service are under way at one endpoint.
CONCURRENCY = 16
COUNTER = "patchbay_webhook_deliveries_total"

POLL_INTERVAL = 0.02
DELIVERY_TIMEOUT = 120.0
BARE_TIMEOUT = 60.0
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# In milliseconds. The entries are of this moment, so that none is too old to be kept.
MOMENT = int(time.time() * 1000)


@dataclass
class Bench:
    """The server, the receiver and what is measured with them. Both run, except while the journal is written."""

    server: Patchbay
    receiver: Nginx
    bare_client: Path
    folder: Path
    _first: str = ""
    _webhook: str = ""

    # MARK: The journal

    def write_journal(self) -> None:
        """One connection, and so many updates of it."""
        with self._client() as client:
            connection = client.call("POST", "/api/v1/connections", {
                "integration": "thing", "integration_type": "custom", "label": "Events", "credentials": {}})
            client.call("PUT", f"/api/v1/connections/{connection['id']}", {"label": "Changed"})
        self.server.stop()
        with self._database() as database:
            row = database.execute(
                "SELECT workspace_id, kind, subject, actor, data FROM journal WHERE kind = 'connection.updated'"
            ).fetchone()
            if row is None:
                raise MeasurementError("the journal has no entry to copy")
            workspace, kind, subject, actor, data = row
            database.executemany(
                "INSERT INTO journal (id, workspace_id, kind, subject, actor, request_id, at, data, subject_sequence,"
                " in_timeline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                ((event_id(number), workspace, kind, subject, actor, "0123456789abcdef0123456789abcdef",
                  MOMENT * 1000 + number, data, number + 3) for number in range(ENTRIES)))
            database.commit()
        self._first = event_id(0)
        try:
            self.server.start()
        except ServerError as error:
            raise MeasurementError(str(error)) from error

    # MARK: What is measured

    def deliveries(self) -> Sample:
        """A second, from the moment when a new webhook is told to begin with the first until the last is written down."""
        with self._client() as client:
            if self._webhook:
                client.call("DELETE", f"/api/v1/webhooks/{self._webhook}")
            made = client.call("POST", "/api/v1/webhooks", {
                "url": f"{self.receiver.url}/hook", "events": ["connection.updated"]})
            self._webhook = made["id"]
            # It settles on having nothing to do.
            time.sleep(0.5)
            before = delivered(self.server)
            begin = time.perf_counter()
            client.call("POST", f"/api/v1/webhooks/{self._webhook}/replay", {"from_event": self._first})
            while delivered(self.server) - before < ENTRIES:
                if time.perf_counter() - begin > DELIVERY_TIMEOUT:
                    done = delivered(self.server) - before
                    raise MeasurementError(f"{done:.0f} of {ENTRIES} are delivered after {DELIVERY_TIMEOUT:.0f} s")
                time.sleep(POLL_INTERVAL)
            seconds = time.perf_counter() - begin
            listed = client.call("GET", f"/api/v1/webhooks/{self._webhook}/deliveries?state=delivered&limit=1")
        if listed["total"] != ENTRIES:
            raise MeasurementError(f"{listed['total']} deliveries are listed, not {ENTRIES}")
        return Sample(ENTRIES / seconds)

    def bare(self) -> Sample:
        """The bodies that the receiver gets from the service."""
        bodies = self.folder / "bare-client.events"
        with self._client() as client:
            listed = client.call("GET", f"/api/v1/events?type=connection.updated&limit=1&cursor={self._first}")
        body = json.dumps(listed["events"][0], separators=(",", ":"))
        bodies.write_text((body + "\n") * ENTRIES)
        command = [
            str(self.bare_client), f"{self.receiver.url}/hook", str(bodies), str(CONCURRENCY), "webhooks"]
        try:
            finished = subprocess.run(command, capture_output=True, text=True, timeout=BARE_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MeasurementError(f"bare-client: {error}") from error
        finally:
            bodies.unlink()
        if finished.returncode != 0:
            raise MeasurementError(finished.stderr.strip() or f"bare-client ended with {finished.returncode}")
        return Sample(float(finished.stdout))

    # MARK: Parts

    def _client(self) -> closing:
        return closing(Client(self.server.port, self.server.api_key))

    def _database(self) -> closing:
        try:
            return closing(sqlite3.connect(f"file:{self.server.data}/patchbay.db?mode=rw", uri=True))
        except sqlite3.Error as error:
            raise MeasurementError(f"the store: {error}") from error


def delivered(server: Patchbay) -> float:
    """Since the server's start."""
    with closing(Client(server.port)) as client:
        for line in client.text("/metrics").splitlines():
            if line.startswith(COUNTER + " "):
                return float(line.split()[1])
    raise MeasurementError(f"no {COUNTER} in the metrics")


def event_id(number: int) -> str:
    """In the order of their numbers."""
    value = MOMENT << 80 | number
    return "evt_" + "".join(CROCKFORD[value >> 5 * place & 31] for place in reversed(range(26)))


# MARK: All of it


def measure(settings: Settings, results: Results) -> list[Goal]:
    """With a server and a receiver of its own."""
    _measure(settings, results)
    ratio = results.ratio(DELIVERIES, to=BARE_EVENTS)
    return [Goal(f"{ENTRIES:,} events delivered, against a bare client", ratio, 0.4)]


def _measure(settings: Settings, results: Results) -> None:
    data = RUN / "webhooks"
    server = Patchbay(BINARY, data, seed.API_KEY, PATCHBAY_EGRESS_ALLOW=f"webhook={HOST}/32")
    receiver = Nginx("nginx", RUN / "receiver")
    with ExitStack() as running:
        try:
            running.enter_context(receiver)
            running.enter_context(server)
            say(f"writing {ENTRIES:,} entries of the journal")
            bench = Bench(server, receiver, BARE_CLIENT, RUN)
            bench.write_journal()
        except (MeasurementError, ServerError) as error:
            give_up("nothing to deliver", error, [BARE_EVENTS, DELIVERIES], results)
            return
        steps = [Step(BARE_EVENTS, lambda _: bench.bare()), Step(DELIVERIES, lambda _: bench.deliveries(), server)]
        run_rounds("deliveries", steps, settings, results)
