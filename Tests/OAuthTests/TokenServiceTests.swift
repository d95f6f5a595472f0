import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

@Suite struct TokenServiceTests {
    @Test func `a token that lives is read without asking anybody, and the reading is written down`() async throws {
        try await Room.run { room in
            let grant = try await room.grant(expiresIn: 60)
            try await room.change(grant) { row in
                row.requestedScopes = ["x", "y"]
                row.grantedScopes = ["x"]
            }
            let reading = try await room.tokens.read(grant.connectionID, in: Room.workspace, cause: room.cause)
            #expect(reading.accessToken.withText { $0 } == grant.accessToken)
            #expect(reading.tokenType == "Bearer")
            #expect(reading.expiresAt == .t0.advanced(bySeconds: 60))
            #expect(reading.scopes == ["x"])
            #expect(reading.missingScopes == ["y"])
            #expect(try await room.refreshesSeen() == 0)
            #expect(try await room.journal() == ["credential.token_read"])
        }
    }

    @Test(arguments: [0, 10] as [Int64])
    func `a token that ends is refreshed first`(_ expiresIn: Int64) async throws {
        try await Room.run("rotate") { room in
            let grant = try await room.grant(expiresIn: expiresIn)
            let reading = try await room.tokens.read(grant.connectionID, in: Room.workspace, cause: room.cause)
            #expect(reading.accessToken.withText { $0 } != grant.accessToken)
            #expect(reading.expiresAt == .t0.advanced(bySeconds: 3_600))
            #expect(try await room.refreshesSeen() == 1)
        }
    }

    @Test func `what there is no token of is told by a word`() async throws {
        try await Room.run { room in
            let grant = try await room.grant(expiresIn: 0)
            let states: [(Grant.State, GrantProblem.Code)] = [
                (.dead, .needsReauthorization), (.suspended, .suspended), (.held, .held),
            ]
            for (state, code) in states {
                try await room.change(grant) { $0.state = state }
                let error = await #expect(throws: GrantProblem.self) {
                    try await room.tokens.read(grant.connectionID, in: Room.workspace, cause: room.cause)
                }
                #expect(error?.code == code)
            }
            await #expect(throws: DomainError.notFound(.connection)) {
                try await room.tokens.read(.numbered(9), in: Room.workspace, cause: room.cause)
            }
            await #expect(throws: DomainError.notFound(.connection)) {
                try await room.tokens.read(grant.connectionID, in: .numbered(9), cause: room.cause)
            }
            #expect(try await room.refreshesSeen() == 0)
        }
    }

    @Test func `a suspended grant's token is read while it lives`() async throws {
        try await Room.run { room in
            let grant = try await room.grant(expiresIn: 60)
            try await room.change(grant) { $0.suspend() }
            let reading = try await room.tokens.read(grant.connectionID, in: Room.workspace, cause: room.cause)
            #expect(reading.accessToken.withText { $0 } == grant.accessToken)
            await #expect(throws: GrantProblem(.suspended)) {
                try await room.tokens.refresh(grant.connectionID, in: Room.workspace, cause: room.cause)
            }
            #expect(try await room.refreshesSeen() == 0)
        }
    }

    @Test func `a secret does not open towards another destination`() async throws {
        try await Room.run { room in
            let grant = try await room.grant(expiresIn: 60)
            try await room.store.write { tx in
                var secrets = try #require(try tx.secrets(of: grant.connectionID, in: Room.workspace))
                secrets.origins = ["https://elsewhere.test"]
                try tx.update(secrets: secrets, of: grant.connectionID, in: Room.workspace)
            }
            await #expect(throws: GrantProblem(.secretRebindRequired)) {
                try await room.tokens.read(grant.connectionID, in: Room.workspace, cause: room.cause)
            }
        }
    }
}
