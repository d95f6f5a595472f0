import Connections
import Egress
import Logging
import LosslessJSON
import TestSupport
import Testing

@testable import Probes

/// An integration to look at, and a door to do it through.
enum Lab {
    /// Must not come out anywhere.
    static let secret = "xoxb-canary-5f2c81"

    static let bearer = AuthMethod(
        id: "bot_token", name: "Bot token", scheme: .bearer, authType: .accessToken, description: "",
        fields: [Field(key: "bot_token", label: "Bot Token", kind: .password, isRequired: true, isSecure: true)],
        placements: [.header(name: "Authorization", value: "Bearer {bot_token}")])

    static let none = AuthMethod(
        id: "none", name: "None", scheme: .none, authType: .custom, description: "", fields: [])

    static let freeForm = AuthMethod(
        id: "custom", name: "Custom", scheme: .custom, authType: .custom, description: "", fields: [])

    static func integration(
        _ probe: IntegrationProbe?, method: AuthMethod = bearer, identity: IdentityRequest? = nil
    ) throws -> Integration {
        // What is free of form has no address but that of the test.
        var isFree = false
        if case .config = probe { isFree = true }
        return Integration(
            id: "acme", name: "Acme", type: .connectors, category: "test", description: "", docsURL: "",
            baseURL: isFree ? nil : try URLTemplate("{base_url}"), destinationKeys: [], authMethods: [method],
            configFields: [],
            identity: identity, probe: probe)
    }

    static func target(
        _ probe: IntegrationProbe?, at baseURL: String?, method: AuthMethod = bearer, identity: IdentityRequest? = nil,
        config more: String = "{}", depth: ProbeTarget.Depth = .full
    ) throws -> ProbeTarget {
        var config = JSONObject(JSONSlice.literal(more))
        config["base_url"] = baseURL.map { JSONText($0) }
        var data = JSONObject()
        if method.takesCredentials { data["bot_token"] = JSONText(secret) }
        return ProbeTarget(
            integration: try integration(probe, method: method, identity: identity), method: method, config: config,
            data: data, depth: depth)
    }

    /// A door that lets to loopback, where `api.example.test` is, too.
    static func open<Result>(
        allowing: [String] = ["127.0.0.0/8"], roots: String? = nil, failuresToOpen: Int = 100,
        _ body: (Egress) async throws -> Result
    ) async throws -> Result {
        let policy = EgressPolicy(
            allowances: try allowing.map { try #require(EgressAllowance($0)) }, forbidden: [])
        var limits = EgressLimits()
        limits.failuresToOpen = failuresToOpen
        let egress = try Egress(
            policy: policy, resolver: LabResolver(), proxy: nil, extraRootsFile: roots,
            logger: Logger(label: "probes") { _ in SwiftLogNoOpLogHandler() }, limits: limits)
        do {
            let result = try await body(egress)
            await egress.close()
            return result
        } catch {
            await egress.close()
            throw error
        }
    }

    static let now: @Sendable () -> Timestamp = { .t0 }
    /// For what never comes.
    static let impatient = ProbeLimits(request: .milliseconds(500), full: .seconds(5), brief: .seconds(5))
}

struct LabResolver: EgressResolver {
    struct Unknown: Error {}

    func addresses(of host: String, port: Int) async throws -> [IPAddress] {
        switch host {
        case "api.example.test": ["127.0.0.1"].compactMap { IPAddress($0) }
        case "inside.example.test": ["10.0.0.1"].compactMap { IPAddress($0) }
        default: throw Unknown()
        }
    }
}

/// What a report must say.
struct Expected: Sendable {
    var verdict: Verdict
    var layer: CheckLayer?
    var reason: String
    var providerCode: String?
    var isGrantGone = false
    var isHostUnreachable = false
    var mayEndEarlier = false

    init(
        _ verdict: Verdict, _ layer: CheckLayer?, _ reason: String, code: String? = nil, gone: Bool = false,
        unreachable: Bool = false
    ) {
        self.verdict = verdict
        self.layer = layer
        self.reason = reason
        providerCode = code
        isGrantGone = gone
        isHostUnreachable = unreachable
    }

    static let valid = Expected(.valid, .auth, "verified")
    static let unexpected = Expected(.inconclusive, .protocol, "unexpected_answer")
    static let rejected = Expected(.invalid, .auth, "credential_rejected")
    static let denied = Expected(.invalid, .scope, "permission_denied")
    static let limited = Expected(.inconclusive, .http, "rate_limited")
    /// On a machine that is busy even a connection may take too long for who is impatient.
    static let hanging = {
        var expected = Expected(.inconclusive, .http, "timed_out", unreachable: true)
        expected.mayEndEarlier = true
        return expected
    }()
    static let broken = Expected(.inconclusive, .http, "provider_error")

    func check(_ report: ProbeReport, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(report.verdict == verdict, sourceLocation: sourceLocation)
        if mayEndEarlier {
            #expect(report.decidingLayer.map(\.order) ?? 0 <= layer?.order ?? 0, sourceLocation: sourceLocation)
        } else {
            #expect(report.decidingLayer == layer, sourceLocation: sourceLocation)
        }
        #expect(report.reasonCode == reason, sourceLocation: sourceLocation)
        #expect(report.providerCode == providerCode, sourceLocation: sourceLocation)
        #expect(report.isGrantGone == isGrantGone, sourceLocation: sourceLocation)
        #expect(report.isHostUnreachable == isHostUnreachable, sourceLocation: sourceLocation)
        report.checkForm(sourceLocation: sourceLocation)
    }
}

extension ProbeReport {
    /// What holds for every report.
    func checkForm(sourceLocation: SourceLocation = #_sourceLocation) {
        let order = layers.map(\.layer.order)
        #expect(order == order.sorted() && Set(order).count == order.count, sourceLocation: sourceLocation)
        #expect(layers.dropLast().allSatisfy { $0.outcome == .passed }, sourceLocation: sourceLocation)
        let outcome: LayerFinding.Outcome =
            switch verdict {
            case .valid: .passed
            case .invalid: .failed
            case .inconclusive: .inconclusive
            }
        #expect(layers.last.map { $0.outcome == outcome } ?? (verdict == .inconclusive), sourceLocation: sourceLocation)
        #expect(message.contains("Acme") && message.hasSuffix("."), sourceLocation: sourceLocation)
        var text = ""
        dump(self, to: &text)
        #expect(!text.contains(Lab.secret), sourceLocation: sourceLocation)
    }
}
