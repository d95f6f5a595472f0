"""Everything at once: reads and writes at a given rate while connections are looked at, grants refreshed and events delivered.

What the server can do under all of that is measured first, then it is asked at a share of it. The latencies are those of
openloop.c, which counts from the moment when a request was to be sent.
"""

import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import load
import oauth
import seed
import sweep
import webhooks
from load import MeasurementError, Sample
from oauth import Client, sleep_until
from report import Goal, Results
from rounds import BARE_CLIENT, BINARY, FOLDER, RUN, Settings, Step, give_up, run_rounds, say
from server import HOST, Nginx, Patchbay, ServerError, Simulator

CONNECTIONS = 50_000
GRANTS = 5_000
PUTS_PER_THOUSAND = 100
# Of what the server can do.
SHARE = 0.7
# Seconds before anything is counted, at the start of each measurement.
WARM_UP = 2
# In seconds, from the change of the store until the first is due; the server is started in between.
LEAD = 1.5

CAPACITY = "mix, as fast as it goes"
GET = f"get in the mix, at {SHARE:.0%} of that"
PUT = f"put in the mix, at {SHARE:.0%} of that"


@dataclass
class Bench:
    """The server and what is around it. All run, except while the store is changed."""

    server: Patchbay
    swept: sweep.Bench
    granted: oauth.Bench
    receiver: Nginx
    openloop: Path
    capacity: float = 0
    puts: Sample = Sample(0)

    def prepare(self) -> None:
        self.swept.make_connections()
        self.granted.make_connections()
        with closing(Client(self.server.port, self.server.api_key)) as client:
            client.call("POST", "/api/v1/webhooks", {"url": f"{self.receiver.url}/hook", "events": ["connection.updated"]})
        self.server.empty_log()

    # MARK: What is measured

    def as_fast_as_it_goes(self, seconds: int) -> Sample:
        get, _ = self._drive(0, seconds)
        self.capacity = get.rate
        return get

    def at_a_share(self, seconds: int) -> Sample:
        """Of GETs; what was seen of PUTs is left in `puts`."""
        get, self.puts = self._drive(SHARE * self.capacity, seconds)
        return get

    def _drive(self, rate: float, seconds: int) -> tuple[Sample, Sample]:
        """Fails where less than all went on until the end: a quiet server would be measured."""
        sleep_until(self._make_due(LEAD, WARM_UP + seconds))
        self._ask(rate, WARM_UP)
        before = self._work()
        seen = self._ask(rate, seconds)
        after = self._work()
        idle = [name for name, count in after.items() if count <= before[name]]
        if idle or after["looks"] == 0:
            raise MeasurementError(f"not all went on meanwhile: {', '.join(idle) or 'the sweep ended'}")
        return seen

    def _ask(self, rate: float, seconds: int) -> tuple[Sample, Sample]:
        return load.openloop(self.openloop, self.server.port, rate, seconds, PUTS_PER_THOUSAND, self.swept.ids)

    def _make_due(self, lead: float, span: float) -> float:
        """All connections at one moment, and the grants one after the other over the span that follows."""
        self.server.stop()
        due = time.time() + lead
        first = int(due * 1e6)
        with closing(sqlite3.connect(f"file:{self.server.data}/patchbay.db?mode=rw", uri=True)) as database:
            database.execute("UPDATE connection_check SET due_at = ?, failures = 0 WHERE due_at IS NOT NULL", (first,))
            database.execute(
                "UPDATE oauth_grant SET due_at = ? + abs(random()) % ?", (first, int(span * 1e6)))
            database.commit()
        try:
            self.server.start()
        except ServerError as error:
            raise MeasurementError(str(error)) from error
        return max(due, time.time())

    def _work(self) -> dict[str, int]:
        """How much was done until now: a sweep that is through with all does no more."""
        with closing(Client(self.granted.simulator.port)) as simulator:
            refreshed = simulator.call("GET", "/_simulate/stats")["outcomes"].get("refreshed", 0)
        return {"refreshes": refreshed, "deliveries": int(webhooks.delivered(self.server)), "looks": -self._unseen()}

    def _unseen(self) -> int:
        """The connections whose turn has come."""
        with closing(sqlite3.connect(f"file:{self.server.data}/patchbay.db?mode=ro", uri=True)) as database:
            count, = database.execute(
                "SELECT COUNT(*) FROM connection_check WHERE due_at <= ?", (int(time.time() * 1e6),)).fetchone()
            return count


# MARK: All of it


def measure(settings: Settings, results: Results) -> list[Goal]:
    _measure(settings, results)
    seen = results.samples[GET]
    p99 = median(sample.p99 for sample in seen) if seen else None
    return [Goal(
        f"p99 of GET at {SHARE:.0%} of what it can do, with sweep, refresh and delivery", p99, 10, None, "ms",
        less_is_better=True)]


def _measure(settings: Settings, results: Results) -> None:
    data = RUN / "mix"
    purposes = ",".join(f"{purpose}={HOST}/32" for purpose in ["oauth", "probe", "webhook"])
    server = Patchbay(BINARY, data, seed.API_KEY, PATCHBAY_EGRESS_ALLOW=purposes)
    simulator = Simulator(BINARY, RUN / "mix-simulator.log")
    receiver = Nginx("nginx", RUN / "mix-receiver")
    with ExitStack() as running:
        try:
            for process in [simulator, receiver, server]:
                running.enter_context(process)
            say(f"making {CONNECTIONS:,} connections that are looked at, and {GRANTS:,} that are refreshed")
            bench = Bench(
                server, sweep.Bench(server, simulator, RUN, count=CONNECTIONS),
                oauth.Bench(server, simulator, BARE_CLIENT, RUN, count=GRANTS), receiver,
                load.build("openloop", FOLDER))
            bench.prepare()
        except (MeasurementError, ServerError) as error:
            give_up("no mix", error, [CAPACITY, GET, PUT], results)
            return
        steps = [
            Step(CAPACITY, bench.as_fast_as_it_goes, server),
            Step(GET, bench.at_a_share, server, beside=(PUT, lambda: bench.puts)),
        ]
        run_rounds("mix", steps, settings, results)
