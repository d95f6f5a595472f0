import Connections
import Delivery
import HTTPAPI
import OAuth
import Storage

extension Instance {
    /// What `/metrics` tells besides requests, as of the moment that it is asked.
    var gauges: @Sendable () -> [Metrics.Gauge] {
        { [database, pause, deliveries = dispatcher.meter, refreshes = refresher.meter, checks = tester.meter] in
            Metrics.Gauge.of(database) + Metrics.Gauge.of(refreshes) + Metrics.Gauge.of(checks)
                + Metrics.Gauge.of(deliveries) + [Metrics.Gauge.of(pause)]
        }
    }
}

extension Metrics.Gauge {
    fileprivate static func of(_ database: SQLiteDatabase) -> [Metrics.Gauge] {
        let commits = database.commits
        return [
            Metrics.Gauge("patchbay_store_write_queue", "Writes waiting for their turn.", Double(database.queueLength)),
            Metrics.Gauge(
                "patchbay_store_commits_total", "Commits made durable.", isCounter: true, Double(commits.batches)),
            Metrics.Gauge(
                "patchbay_store_units_total", "Units of work in those commits.", isCounter: true,
                Double(commits.units)),
        ]
    }

    fileprivate static func of(_ meter: DeliveryMeter) -> [Metrics.Gauge] {
        [
            Metrics.Gauge(
                "patchbay_webhook_deliveries_total", "Events that an endpoint took.", isCounter: true,
                Double(meter.delivered)),
            Metrics.Gauge(
                "patchbay_webhook_failures_total", "Attempts that no endpoint took.", isCounter: true,
                Double(meter.failed)),
            Metrics.Gauge(
                "patchbay_webhook_dead_total", "Events that were given up for an endpoint.", isCounter: true,
                Double(meter.dead)),
            Metrics.Gauge(
                "patchbay_webhook_pending", "Events that wait for their next attempt, as counted every 15 seconds.",
                Double(meter.pending)),
        ]
    }

    fileprivate static func of(_ meter: RefreshMeter) -> [Metrics.Gauge] {
        [
            Metrics.Gauge(
                "patchbay_refreshes_total", "Refreshes that ended with tokens which are fresh.", isCounter: true,
                Double(meter.refreshed)),
            Metrics.Gauge(
                "patchbay_refresh_failures_total", "Refreshes that got no new tokens.", isCounter: true,
                Double(meter.failed)),
        ]
    }

    fileprivate static func of(_ meter: CheckMeter) -> [Metrics.Gauge] {
        Verdict.allCases.map { verdict in
            Metrics.Gauge(
                "patchbay_checks_\(verdict)_total", "Tests and looks of the sweep that found a connection \(verdict).",
                isCounter: true, Double(meter.count(verdict)))
        }
    }

    fileprivate static func of(_ pause: InstancePause) -> Metrics.Gauge {
        Metrics.Gauge(
            "patchbay_paused",
            "1 while the store is taken for a copy, and nothing is refreshed, revoked, swept or delivered.",
            pause.isPaused ? 1 : 0)
    }
}
