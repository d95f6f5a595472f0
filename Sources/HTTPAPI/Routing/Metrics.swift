import HTTPTypes
import Synchronization

/// Counts requests by route and status, and how long they took, for Prometheus. Labels are templates and numbers, never
/// ids or names.
package final class Metrics: Sendable {
    /// Upper bounds in seconds.
    static let bounds = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    fileprivate struct Series {
        var statuses: [Int: Int] = [:]
        var buckets = [Int](repeating: 0, count: Metrics.bounds.count + 1)
        var sum = 0.0

        mutating func add(status: Int, bucket: Int, seconds: Double) {
            statuses[status, default: 0] += 1
            buckets[bucket] += 1
            sum += seconds
        }
    }

    private struct Label: Hashable {
        let method: String
        let path: String

        static let unmatched = Label(method: "", path: "unmatched")

        var text: String { "method=\"\(method)\",route=\"\(path)\"" }
    }

    /// The numbers of one route.
    final class Cell: Sendable {
        fileprivate let series = Mutex(Series())

        func record(status: Int, seconds: Double) {
            let bucket = Metrics.bounds.firstIndex { seconds <= $0 } ?? Metrics.bounds.count
            series.withLock { $0.add(status: status, bucket: bucket, seconds: seconds) }
        }
    }

    private let cells = Mutex<[Label: Cell]>([:])
    private let gauges: @Sendable () -> [Gauge]

    /// A number that is read when somebody asks.
    package struct Gauge: Sendable {
        let name: String
        let help: String
        let type: String
        let value: Double

        /// `isCounter`: it only ever grows.
        package init(_ name: String, _ help: String, isCounter: Bool = false, _ value: Double) {
            self.name = name
            self.help = help
            type = isCounter ? "counter" : "gauge"
            self.value = value
        }
    }

    package init(gauges: @escaping @Sendable () -> [Gauge] = { [] }) {
        self.gauges = gauges
    }

    /// Where a route's requests are counted; `nil` is for requests that no route took. Asked for once a route.
    func cell(for route: Route?) -> Cell {
        let label = route.map { Label(method: $0.method.rawValue, path: $0.path) } ?? .unmatched
        return cells.withLock { cells in
            if let cell = cells[label] { return cell }
            let cell = Cell()
            cells[label] = cell
            return cell
        }
    }

    /// Requests since the start, of every route but those of health and metrics, which nobody waits for.
    package var answered: Int {
        cells.withLock { $0 }.reduce(0) { sum, entry in
            entry.key.path.hasPrefix("/api/")
                ? sum + entry.value.series.withLock { $0.statuses.values.reduce(0, +) } : sum
        }
    }

    /// Text exposition format 0.0.4.
    var text: String {
        let all = cells.withLock { $0 }.map { (label: $0.key.text, series: $0.value.series.withLock { $0 }) }
            .filter { !$0.series.statuses.isEmpty }.sorted { $0.label < $1.label }
        var lines = [
            "# HELP patchbay_http_requests_total Requests by route and status.",
            "# TYPE patchbay_http_requests_total counter",
        ]
        for (label, series) in all {
            for (status, count) in series.statuses.sorted(by: { $0.key < $1.key }) {
                lines.append("patchbay_http_requests_total{\(label),status=\"\(status)\"} \(count)")
            }
        }
        lines.append("# HELP patchbay_http_request_duration_seconds Time to answer, by route.")
        lines.append("# TYPE patchbay_http_request_duration_seconds histogram")
        for (label, series) in all {
            var count = 0
            for (bucket, bound) in zip(series.buckets, Self.bounds.map { "\($0)" } + ["+Inf"]) {
                count += bucket
                lines.append("patchbay_http_request_duration_seconds_bucket{\(label),le=\"\(bound)\"} \(count)")
            }
            lines.append("patchbay_http_request_duration_seconds_sum{\(label)} \(series.sum)")
            lines.append("patchbay_http_request_duration_seconds_count{\(label)} \(count)")
        }
        for gauge in gauges() {
            lines.append("# HELP \(gauge.name) \(gauge.help)")
            lines.append("# TYPE \(gauge.name) \(gauge.type)")
            lines.append("\(gauge.name) \(gauge.value)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
