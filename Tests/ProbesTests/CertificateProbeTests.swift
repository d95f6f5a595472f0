import Connections
import Egress
import TestSupport
import Testing

@testable import Probes

@Suite struct CertificateProbeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String { "\(certificate)\(isTrusted ? "" : " of an unknown authority")" }
        let certificate: Certificates
        var isTrusted = true
        let expected: Expected
        var ends = "2119-12-08T00:00:00Z"
    }

    @Test(arguments: [
        Case(certificate: .good, expected: .valid),
        Case(certificate: .good, isTrusted: false, expected: Expected(.inconclusive, .tls, "tls_failed")),
        Case(
            certificate: .expired, expected: Expected(.invalid, .tls, "certificate_expired"),
            ends: "2021-01-01T00:00:00Z"),
        Case(
            certificate: .expired, isTrusted: false, expected: Expected(.invalid, .tls, "certificate_expired"),
            ends: "2021-01-01T00:00:00Z"),
        Case(certificate: .wrongHost, expected: Expected(.invalid, .tls, "certificate_wrong_host")),
        Case(certificate: .selfSigned, expected: Expected(.invalid, .tls, "certificate_self_signed")),
    ])
    func certificates(_ given: Case) async throws {
        let server = try await LoopbackServer(prepare: try given.certificate.server) { _ in .json(200, [], "{}") }
        defer { server.stop() }
        try await Certificates.withRoots { roots in
            try await Lab.open(roots: given.isTrusted ? roots : nil) { egress in
                for depth in [ProbeTarget.Depth.full, .brief] {
                    let target = try Lab.target(
                        .request(RequestProbeTests.plain), at: "https://api.example.test:\(server.port)/api",
                        depth: depth)
                    let report = await ProbeService(egress: egress, now: Lab.now).probe(target)
                    given.expected.check(report)
                    if depth == .full || given.expected.verdict != .valid {
                        #expect(report.certificateExpiresAt == Timestamp(rfc3339: given.ends))
                    }
                    if depth == .full {
                        #expect(report.layers.prefix(3).map(\.layer) == [.dns, .connect, .tls])
                        #expect(report.layers.prefix(3).allSatisfy { $0.milliseconds != nil })
                    }
                }
            }
        }
        // Nothing is sent to whom nobody trusts.
        #expect(server.requests.count == (given.expected.verdict == .valid ? 2 : 0))
    }

    @Test(arguments: [ProbeTarget.Depth.full, .brief])
    func whoDoesNotSpeakTLS(_ depth: ProbeTarget.Depth) async throws {
        let server = try await LoopbackServer { _ in .silence }
        defer { server.stop() }
        try await Lab.open { egress in
            let probe = RequestProbe(egress: egress, now: Lab.now, limits: Lab.impatient)
            let report = await probe.report(
                on: try Lab.target(
                    .request(RequestProbeTests.plain), at: "https://127.0.0.1:\(server.port)", depth: depth),
                RequestProbeTests.plain)
            #expect(report.verdict == .inconclusive)
            #expect(report.reasonCode == "timed_out")
            report.checkForm()
        }
    }

    /// The clock that is handed in says what has expired.
    @Test func expiryByOurClock() async throws {
        let server = try await LoopbackServer(prepare: try Certificates.wrongHost.server) { _ in .silence }
        defer { server.stop() }
        try await Lab.open { egress in
            let later: @Sendable () -> Timestamp = { Timestamp.t0.advanced(bySeconds: 100 * 366 * 86_400) }
            let report = await ProbeService(egress: egress, now: later).probe(
                try Lab.target(.request(RequestProbeTests.plain), at: "https://127.0.0.1:\(server.port)"))
            Expected(.invalid, .tls, "certificate_expired").check(report)
        }
    }
}
