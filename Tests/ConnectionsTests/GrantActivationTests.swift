import Connections
import LosslessJSON
import TestSupport
import Testing

@Suite struct GrantActivationTests {
    private static func grant(expiresIn: Int64?, hasRefreshToken: Bool) -> Grant {
        var grant = Grant(workspaceID: .numbered(1), credentialID: .numbered(1), kind: .authorizationCode)
        let tokens = Tokens(
            accessToken: Secret("a"), refreshToken: hasRefreshToken ? Secret("r") : nil,
            expiresAt: expiresIn.map { Timestamp.t0.advanced(bySeconds: $0) })
        grant.accept(tokens, hasRefreshToken: hasRefreshToken, method: OAuthMethod(), at: .t0, jitter: 0)
        grant.suspend()
        return grant
    }

    @Test func `a suspended grant is due never and refreshable by nobody`() {
        let grant = Self.grant(expiresIn: 3_600, hasRefreshToken: true)
        #expect(grant.state == .suspended)
        #expect(grant.dueAt == nil)
        #expect(!grant.isRefreshable)
        #expect(grant.accessExpiresAt == Timestamp.t0.advanced(bySeconds: 3_600))
    }

    struct Case: Sendable {
        let expiresIn: Int64
        let activatedAt: Int64
        let due: Int64
    }

    @Test(arguments: [
        // A tenth of what is left before the end.
        Case(expiresIn: 3_600, activatedAt: 0, due: 3_240), Case(expiresIn: 3_600, activatedAt: 1_800, due: 3_420),
        // What ended meanwhile is due at once.
        Case(expiresIn: 3_600, activatedAt: 7_200, due: 3_600),
    ])
    func `activated, it is due by what is left of its token`(_ times: Case) {
        var grant = Self.grant(expiresIn: times.expiresIn, hasRefreshToken: true)
        grant.activate(method: OAuthMethod(), at: Timestamp.t0.advanced(bySeconds: times.activatedAt), jitter: 0)
        #expect(grant.state == .live)
        #expect(grant.isRefreshable)
        #expect(grant.dueAt == Timestamp.t0.advanced(bySeconds: times.due))
    }

    @Test func `a token that does not end is due never`() {
        var grant = Self.grant(expiresIn: nil, hasRefreshToken: true)
        grant.activate(method: OAuthMethod(), at: .t0, jitter: 0)
        #expect(grant.dueAt == nil)
    }
}
