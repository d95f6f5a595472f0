import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import OAuth

@Suite struct AppCircuitTests {
    private static func app(
        _ number: UInt64 = 1, workspace: WorkspaceID? = .numbered(1), failingSince: Timestamp? = nil
    ) -> OAuthApp {
        OAuthApp(
            id: .numbered(number), workspaceID: workspace, integration: "i", authMethodID: "oauth2", label: nil,
            clientID: "c", clientSecret: nil, scopes: [], clientAuthentication: .none, returnURLs: [],
            authorizeParameters: .emptyObject, config: .emptyObject,
            failure: failingSince.map { OAuthApp.Failure(reason: "invalid_client", since: $0) }, createdBy: "test",
            createdAt: .t0, updatedAt: .t0)
    }

    private static func at(_ seconds: Int64) -> Timestamp { .t0.advanced(bySeconds: seconds) }

    @Test func `a refused app is tried by one grant every five minutes`() {
        let circuit = AppCircuit()
        let failing = Self.app(failingSince: .t0)
        #expect(circuit.admits(Self.app(), in: .numbered(1), at: .t0))
        #expect(circuit.noteFailure(key(failing.id), at: .t0))
        #expect(!circuit.admits(failing, in: .numbered(1), at: Self.at(299)))
        #expect(circuit.admits(failing, in: .numbered(1), at: Self.at(300)))
        #expect(!circuit.admits(failing, in: .numbered(1), at: Self.at(300)))
        #expect(!circuit.admits(failing, in: .numbered(1), at: Self.at(599)))
        #expect(circuit.admits(failing, in: .numbered(1), at: Self.at(600)))
        #expect(!circuit.noteFailure(key(failing.id), at: Self.at(601)), "known already")
        circuit.noteSuccess(key(failing.id))
        #expect(circuit.admits(Self.app(), in: .numbered(1), at: Self.at(601)))
    }

    /// After a restart nothing is known but what the store has.
    @Test func `a failure that is only stored counts from then`() {
        let circuit = AppCircuit()
        let failing = Self.app(failingSince: .t0)
        #expect(!circuit.admits(failing, in: .numbered(1), at: Self.at(299)))
        #expect(circuit.admits(failing, in: .numbered(1), at: Self.at(300)))
        #expect(!circuit.admits(failing, in: .numbered(1), at: Self.at(301)))
    }

    @Test func `an app that was changed is tried at once`() {
        let circuit = AppCircuit()
        #expect(circuit.noteFailure(key(.numbered(1)), at: .t0))
        #expect(circuit.admits(Self.app(), in: .numbered(1), at: Self.at(1)))
    }

    /// Nothing of an app from the operator's file is stored, so what is in memory is all there is.
    @Test func `an app of the whole instance is remembered without the store`() {
        let circuit = AppCircuit()
        let shared = Self.app(workspace: nil)
        #expect(circuit.noteFailure(key(shared.id), at: .t0))
        #expect(!circuit.admits(shared, in: .numbered(1), at: Self.at(299)))
        #expect(circuit.admits(shared, in: .numbered(1), at: Self.at(300)))
    }

    @Test func `apps do not touch each other`() {
        let circuit = AppCircuit()
        #expect(circuit.noteFailure(key(.numbered(1)), at: .t0))
        #expect(circuit.admits(Self.app(2), in: .numbered(1), at: .t0))
        for _ in 0..<4 { _ = circuit.noteRefusedGrant(key(.numbered(1)), at: .t0) }
        #expect(!circuit.noteRefusedGrant(key(.numbered(2)), at: .t0))
    }

    @Test func `it remembers since when and why an app is refused`() {
        let circuit = AppCircuit()
        #expect(circuit.failure(of: key(.numbered(1))) == nil)
        _ = circuit.noteFailure(key(.numbered(1)), reason: "invalid_client", at: .t0)
        _ = circuit.noteFailure(key(.numbered(1)), reason: "invalid_grant_burst", at: Self.at(60))
        #expect(circuit.failure(of: key(.numbered(1))) == OAuthApp.Failure(reason: "invalid_client", since: .t0))
        #expect(circuit.failure(of: key(.numbered(2))) == nil)
        circuit.noteSuccess(key(.numbered(1)))
        #expect(circuit.failure(of: key(.numbered(1))) == nil)
    }

    struct Burst: CustomTestStringConvertible, Sendable {
        /// Seconds at which grants are refused.
        let at: [Int64]
        let isBurst: Bool

        var testDescription: String { "\(at)" }
    }

    @Test(arguments: [
        Burst(at: [0, 0, 0, 0], isBurst: false), Burst(at: [0, 0, 0, 0, 0], isBurst: true),
        Burst(at: [0, 15, 30, 45, 60], isBurst: true), Burst(at: [0, 15, 30, 45, 61], isBurst: false),
        Burst(at: [0, 20, 40, 60, 80, 100, 120], isBurst: false),
        Burst(at: [0, 100, 100, 100, 100, 100], isBurst: true),
    ])
    func `five refused grants within a minute are a burst`(_ burst: Burst) {
        let circuit = AppCircuit()
        let told = burst.at.map { circuit.noteRefusedGrant(key(.numbered(1)), at: Self.at($0)) }
        #expect(told.last == burst.isBurst)
    }
}

private func key(_ app: OAuthAppID) -> AppCircuit.Key { AppCircuit.Key(.numbered(1), app) }
