import Connections
import TestSupport
import Testing

@testable import Delivery

@Suite struct ScheduleTests {
    static let retries: [(attempts: Int, jitter: Double, retryAfter: Int?, pause: Int64?)] = [
        (1, 0.5, nil, 5), (2, 0.5, nil, 30), (3, 0, nil, 96), (3, 1, nil, 144), (12, 0.5, nil, 86_400),
        (13, 0.5, nil, nil), (99, 0.5, 60, nil),
        // What the endpoint asks for is heeded where it is longer, and within bounds.
        (1, 0.5, 60, 60), (1, 0.5, 0, 5), (1, 0.5, 10_000_000, 86_400), (12, 0.5, 60, 86_400),
    ]

    @Test(arguments: retries)
    func `a delivery is tried again for three days`(
        _ attempts: Int, _ jitter: Double, _ retryAfter: Int?, _ pause: Int64?
    ) {
        #expect(RetrySchedule.pause(after: attempts, jitter: jitter, retryAfter: retryAfter) == pause)
    }

    @Test func `the attempts span three days`() {
        let total = RetrySchedule.pauses.reduce(0, +)
        #expect((2 * 86_400...3 * 86_400).contains(total))
    }

    static let probes: [(seconds: Double, jitter: Double, retryAfter: Int?, pause: Int64)] = [
        (0, 0.5, nil, 5), (0, 0, nil, 3), (60, 0.5, nil, 30), (3_600, 0.5, nil, 600), (400_000, 1, nil, 750),
        (0, 0.5, 120, 120), (0, 0.5, 90_000, 3_600), (3_600, 0.5, 1, 600),
    ]

    @Test(arguments: probes)
    func `an endpoint that fails is left alone the longer it fails`(
        _ seconds: Double, _ jitter: Double, _ retryAfter: Int?, _ pause: Int64
    ) {
        #expect(ProbeSchedule.pause(failingFor: seconds, jitter: jitter, retryAfter: retryAfter) == pause)
    }

    static let headers: [(text: String, seconds: Int?)] = [
        ("120", 120), (" 5", 5), ("0", 0), ("99999999999999999999", .max), ("", nil), ("soon", nil), ("-5", nil),
        ("1.5", nil),
        // The clock stands at 2026-01-01T00:00:00Z.
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120), ("Wed, 31 Dec 2025 23:59:00 GMT", 0),
        ("Thu, 01 Jan 2026 00:02:00 CET", nil), ("Thu, 99 Jan 2026 00:02:00 GMT", nil),
        ("Thu, 01 Foo 2026 00:02:00 GMT", nil),
    ]

    @Test(arguments: headers)
    func `Retry-After is read as seconds or as a date`(_ text: String, _ seconds: Int?) {
        #expect(RetryAfter.seconds(text, now: .t0) == seconds)
    }
}
