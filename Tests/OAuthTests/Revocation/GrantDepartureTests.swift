import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

/// What the provider is told when a connection or a credential is deleted.
@Suite struct GrantDepartureTests {
    @Test func `the last connection of an account ends the grant, the one before does not`() async throws {
        try await Room.run { room in
            let (one, two) = (try await room.grant(1), try await room.grant(2))
            for seeded in [one, two] { try await room.know(seeded, as: "ann") }
            try await room.delete(one)
            #expect(try await room.revocations().isEmpty)
            #expect(try await room.left() == ["\(one.connectionID) account_in_use"])
            #expect(try await room.isAlive(one))
            #expect(try await room.isAlive(two))

            try await room.delete(two)
            #expect(try await room.revocations().map(\.subject) == ["\(two.connectionID)"])
            _ = await room.scheduler.revocationRound()
            #expect(try await room.revocations().isEmpty)
            #expect(try await room.isAlive(one))
            #expect(try await !room.isAlive(two))
        }
    }

    struct Twin: CustomTestStringConvertible, Sendable {
        let name: String
        var account = "ann"
        var state = Grant.State.live
        var ends = OAuthMethod.RevocationReach.grant
        let isRevoked: Bool

        var testDescription: String { name }
    }

    @Test(arguments: [
        Twin(name: "alive", isRevoked: false), Twin(name: "in doubt", state: .inDoubt, isRevoked: false),
        Twin(name: "another system's", state: .suspended, isRevoked: false),
        Twin(name: "dead", state: .dead, isRevoked: true),
        Twin(name: "of another account", account: "bob", isRevoked: true),
        Twin(name: "where a revocation ends one token", ends: .token, isRevoked: true),
    ])
    func `another connection is spared`(_ twin: Twin) async throws {
        let method: @Sendable (inout OAuthMethod) -> Void = { $0.revocationEnds = twin.ends }
        try await Room.run(method: method) { room in
            let (one, two) = (try await room.grant(1), try await room.grant(2))
            try await room.know(one, as: "ann")
            try await room.know(two, as: twin.account)
            try await room.change(two) { $0.state = twin.state }
            try await room.delete(one)
            #expect(try await room.revocations().count == (twin.isRevoked ? 1 : 0))
            #expect(try await room.left().isEmpty == twin.isRevoked)
        }
    }

    @Test func `an account that is not known is nobody's twin`() async throws {
        try await Room.run { room in
            let (one, _) = (try await room.grant(1), try await room.grant(2))
            try await room.delete(one)
            #expect(try await room.revocations().count == 1)
        }
    }

    @Test func `what the provider answered before a crash is what it is told`() async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant()
            let raw = RawAnswer(
                status: 200,
                body: Array(#"{"access_token":"newest-access","refresh_token":"newest-refresh","expires_in":60}"#.utf8),
                askedAt: .t0)
            try await room.change(grant) { row in
                row.fence = 1
                row.answer = try room.vault.seal(
                    answer: raw.bytes, of: grant.key, recordKey: grant.recordKey, fence: 1)
            }
            try await room.delete(grant)
            let revocation = try #require(try await room.revocations().first)
            #expect(try await room.token(of: revocation) == "newest-refresh")
        }
    }

    // MARK: Credentials by themselves

    @Test func `a credential that nobody uses is revoked where only the program says where`() async throws {
        let method: @Sendable (inout OAuthMethod) -> Void = {
            $0.revokeURL = try? URLTemplate("https://id.test/revoke")
        }
        try await Room.run(method: method) { room in
            let grant = try await room.grant()
            try await room.strip(grant)
            try await room.keepers.credentials.delete(
                grant.key.credentialID, in: Room.workspace, if: .none, cause: room.cause)
            let revocation = try #require(try await room.revocations().first)
            #expect(revocation.subject == "\(grant.key.credentialID)")
            #expect(revocation.connectionID == nil)
            #expect(revocation.integration == "sample")
            #expect(try await room.token(of: revocation) == grant.refreshToken)
            #expect(try await room.left().isEmpty)
        }
    }

    @Test func `where the provider cannot be reached, a word says why`() async throws {
        let method: @Sendable (inout OAuthMethod) -> Void = {
            $0.revokeURL = try? URLTemplate("https://169.254.169.254/revoke")
        }
        try await Room.run(method: method) { room in
            let grant = try await room.grant()
            try await room.strip(grant)
            try await room.keepers.credentials.delete(
                grant.key.credentialID, in: Room.workspace, if: .none, cause: room.cause)
            _ = await room.scheduler.revocationRound()
            #expect(try await room.left() == ["\(grant.key.credentialID) destination_refused"])
            #expect(try await room.revocations().map(\.lastFailure) == ["destination_refused"])
        }
    }

    @Test func `it is left where a config would say where, and where nothing is known of it`() async throws {
        try await Room.run { room in
            let grants = [try await room.grant(1), try await room.grant(2), try await room.grant(3)]
            // Without an app, there is only the credential's provider, and this one has none.
            try await room.change(grants[1]) { $0.appID = nil }
            try await room.change(grants[2]) { $0.state = .dead }
            for grant in grants {
                try await room.strip(grant)
                try await room.keepers.credentials.delete(
                    grant.key.credentialID, in: Room.workspace, if: .none, cause: room.cause)
            }
            #expect(try await room.revocations().isEmpty)
            #expect(
                try await room.left() == [
                    "\(grants[0].key.credentialID) destination_unknown",
                    "\(grants[1].key.credentialID) integration_unknown",
                ])
        }
    }

    // MARK: Deleted while a refresh is under way

    @Test func `an answer that nobody waits for any more is given back`() async throws {
        try await Room.run("rotate") { room in
            let (grant, other) = (try await room.grant(1), try await room.grant(2))
            let orphan = try await room.orphan(of: grant)
            // It is not one while the grant stands.
            try await room.services.letGo(orphan)
            #expect(try await room.revocations().isEmpty)

            try await room.delete(grant)
            try await room.services.letGo(orphan)
            let revocations = try await room.revocations()
            #expect(revocations.map(\.subject) == ["\(grant.connectionID)", "\(grant.connectionID)"])
            var tokens: Set<String?> = []
            for revocation in revocations { tokens.insert(try await room.token(of: revocation)) }
            #expect(tokens == [grant.refreshToken, "orphan-refresh"])
            #expect(try await room.isAlive(other))
        }
    }
}

extension Room {
    fileprivate func orphan(of seeded: Seeded) async throws -> OrphanedAnswer {
        let body = #"{"access_token":"orphan-access","refresh_token":"orphan-refresh","expires_in":60}"#
        return try await store.write { tx in
            let situation = try services.reader.situation(seeded.key, via: nil, tx: tx)
            return OrphanedAnswer(
                raw: RawAnswer(status: 200, body: Array(body.utf8), askedAt: .t0), key: seeded.key,
                method: situation.method,
                endpoints: situation.method.endpoints(filledFrom: situation.config, discovered: nil),
                client: situation.client, data: situation.data, origin: TokenOrigin(situation), cause: cause)
        }
    }
}
