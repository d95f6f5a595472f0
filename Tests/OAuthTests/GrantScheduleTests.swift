import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import OAuth

/// When a grant is due next, for every kind of answer.
@Suite struct GrantScheduleTests {
    private static func at(_ seconds: Int64) -> Timestamp { .t0.advanced(bySeconds: seconds) }

    private static func grant(_ kind: OAuthMethod.Grant = .authorizationCode) -> Grant {
        Grant(workspaceID: .numbered(1), credentialID: .numbered(1), kind: kind)
    }

    private static func tokens(
        expiresIn: Int64? = nil, refresh: Bool = true, refreshExpiresIn: Int64? = nil, scopes: [String]? = nil
    ) -> Tokens {
        Tokens(
            accessToken: Secret("a"), refreshToken: refresh ? Secret("r") : nil,
            expiresAt: expiresIn.map { at($0) }, refreshExpiresAt: refreshExpiresIn.map { at($0) }, scopes: scopes)
    }

    // MARK: Accepting

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var kind = OAuthMethod.Grant.authorizationCode
        var expiresIn: Int64?
        var hasRefreshToken = true
        var refreshExpiresIn: Int64?
        var method: @Sendable (inout OAuthMethod) -> Void = { _ in }
        /// Without jitter, and with all of it; seconds from now.
        let due: (latest: Int64, earliest: Int64)?
    }

    @Test(arguments: [
        Case(testDescription: "a tenth before the end", expiresIn: 3_600, due: (3_240, 2_880)),
        Case(testDescription: "ten minutes at the most", expiresIn: 86_400, due: (85_800, 85_200)),
        Case(testDescription: "a minute's life", expiresIn: 60, due: (54, 48)),
        Case(testDescription: "no life at all: not without a pause", expiresIn: 0, due: (60, 60)),
        Case(testDescription: "over already", expiresIn: -5, due: (60, 60)),
        Case(testDescription: "no end", due: nil),
        Case(
            testDescription: "no refresh token: at the very end", expiresIn: 3_600, hasRefreshToken: false,
            due: (3_600, 3_600)),
        Case(testDescription: "no refresh token and no end", hasRefreshToken: false, due: nil),
        Case(
            testDescription: "the refresh token ends first", expiresIn: 86_400, refreshExpiresIn: 3_600,
            due: (3_240, 2_880)),
        Case(testDescription: "only the refresh token ends", refreshExpiresIn: 3_600, due: (3_240, 2_880)),
        Case(
            testDescription: "a refresh token's life by the method", method: { $0.refreshLifetime = 3_600 },
            due: (3_240, 2_880)),
        Case(testDescription: "idle", method: { $0.idleRefresh = 1_000 }, due: (800, 700)),
        Case(
            testDescription: "idle, and the token ends before that", expiresIn: 100,
            method: { $0.idleRefresh = 1_000 }, due: (90, 80)),
        Case(testDescription: "got by the credential alone", kind: .clientCredentials, expiresIn: 3_600, due: nil),
        Case(testDescription: "got by an assertion", kind: .jwtBearer, expiresIn: 3_600, due: nil),
    ])
    func due(_ scene: Case) {
        var method = OAuthMethod()
        scene.method(&method)
        for (jitter, expected) in [(0.0, scene.due?.latest), (1.0, scene.due?.earliest)] {
            var grant = Self.grant(scene.kind)
            grant.accept(
                Self.tokens(
                    expiresIn: scene.expiresIn, refresh: scene.hasRefreshToken,
                    refreshExpiresIn: scene.refreshExpiresIn),
                hasRefreshToken: scene.hasRefreshToken, method: method, at: .t0, jitter: jitter)
            #expect(grant.dueAt == expected.map { Self.at($0) }, "jitter \(jitter)")
        }
    }

    @Test func `new tokens end what was under way`() {
        var grant = Self.grant()
        grant.state = .inDoubt
        grant.failures = 3
        grant.lastFailure = "http_500"
        grant.intent = Grant.Intent(generation: 1, at: .t0, isSecondTry: true)
        grant.answer = [1]
        grant.lease = Grant.Lease(owner: "o", until: Self.at(9))
        grant.fence = 7
        grant.requestedScopes = ["x", "y"]
        grant.accept(
            Self.tokens(expiresIn: 60, scopes: ["x"]), hasRefreshToken: true, method: OAuthMethod(), at: .t0, jitter: 0)
        #expect(grant.state == .live)
        #expect(grant.failures == 0)
        #expect(grant.lastFailure == nil)
        #expect(grant.intent == nil)
        #expect(grant.answer == nil)
        #expect(grant.lease == nil)
        #expect(grant.fence == 7)
        #expect(grant.missingScopes == ["y"])
    }

    /// A refresh token that was not given again goes on with the life that it had.
    @Test func `a refresh token that stays keeps its end`() {
        var grant = Self.grant()
        let method = OAuthMethod()
        grant.accept(
            Self.tokens(refreshExpiresIn: 1_000), hasRefreshToken: true, method: method, at: .t0, jitter: 0)
        grant.accept(
            Self.tokens(expiresIn: 60, refresh: false), hasRefreshToken: true, method: method, at: .t0, jitter: 0)
        #expect(grant.refreshExpiresAt == Self.at(1_000))
        grant.accept(
            Self.tokens(expiresIn: 60, refreshExpiresIn: 5_000), hasRefreshToken: true, method: method, at: .t0,
            jitter: 0)
        #expect(grant.refreshExpiresAt == Self.at(5_000))
    }

    @Test func `entered tokens pass the fence and begin a life of their own`() {
        var grant = Self.grant()
        grant.end("invalid_grant")
        grant.refreshExpiresAt = Self.at(5)
        var data = JSONObject()
        Self.tokens(expiresIn: 3_600).merge(into: &data)
        grant.enter(data, method: OAuthMethod(), at: .t0, jitter: 0)
        #expect(grant.state == .live)
        #expect(grant.fence == 1)
        #expect(grant.hasRefreshToken)
        #expect(grant.refreshExpiresAt == nil)
        #expect(grant.dueAt == Self.at(3_240))
        grant.enter(JSONObject(), method: OAuthMethod(), at: .t0, jitter: 0)
        #expect(grant.fence == 2)
        #expect(!grant.hasRefreshToken)
        #expect(grant.dueAt == nil)
    }

    @Test func `entered tokens do not activate a suspended grant`() {
        var grant = Self.grant()
        grant.state = .suspended
        var data = JSONObject()
        Self.tokens(expiresIn: 3_600).merge(into: &data)
        grant.enter(data, method: OAuthMethod(), at: .t0, jitter: 0)
        #expect(grant.state == .suspended)
        #expect(grant.dueAt == nil)
        #expect(grant.hasRefreshToken)
    }

    // MARK: Failing

    @Test(
        arguments: [
            (1, 11, 18), (2, 22, 37), (3, 45, 75), (4, 90, 150), (7, 720, 1_200), (8, 1_350, 2_250),
            (500, 1_350, 2_250),
        ] as [(Int, Int64, Int64)])
    func `the pause doubles to half an hour, a quarter more or less`(_ failure: Int, _ least: Int64, _ most: Int64) {
        for (jitter, seconds) in [(0.0, least), (1.0, most)] {
            var grant = Self.grant()
            grant.failures = failure - 1
            grant.lease = Grant.Lease(owner: "o", until: Self.at(150))
            grant.postpone("http_500", at: .t0, jitter: jitter)
            #expect(grant.dueAt == Self.at(seconds))
            #expect(grant.failures == failure)
            #expect(grant.lastFailure == "http_500")
            #expect(grant.lease == nil)
            #expect(grant.state == .live)
        }
    }

    @Test func `a pause is as long as it must be at least`() {
        var grant = Self.grant()
        grant.postpone("invalid_client", at: .t0, jitter: 1, atLeast: 300)
        #expect(grant.dueAt == Self.at(300))
    }

    @Test func `in doubt, the access token is used up first`() {
        var grant = Self.grant()
        grant.accessExpiresAt = Self.at(900)
        grant.leaveInDoubt("connection_lost", at: .t0, jitter: 1)
        #expect(grant.state == .inDoubt)
        #expect(grant.dueAt == Self.at(900))
        grant.leaveInDoubt("connection_lost", at: Self.at(900), jitter: 0)
        #expect(grant.dueAt == Self.at(922))
        grant.accessExpiresAt = nil
        grant.leaveInDoubt("connection_lost", at: .t0, jitter: 0)
        #expect(grant.dueAt == Self.at(45))
    }

    @Test func `what has ended is never due`() {
        var grant = Self.grant()
        grant.dueAt = .t0
        grant.hasRefreshToken = true
        grant.answer = [1]
        grant.intent = Grant.Intent(generation: 1, at: .t0, isSecondTry: false)
        grant.end("invalid_grant")
        #expect(grant.state == .dead)
        #expect(grant.dueAt == nil)
        #expect(grant.answer == nil)
        #expect(grant.intent == nil)
        #expect(!grant.isRefreshable)
    }

    // MARK: Moving in

    @Test func `a suspended grant is due again when it is activated`() {
        var grant = Self.grant()
        grant.accept(
            Self.tokens(expiresIn: 3_600), hasRefreshToken: true, method: OAuthMethod(), at: .t0, jitter: 0)
        grant.suspend()
        #expect(grant.dueAt == nil)
        #expect(!grant.isRefreshable)
        grant.activate(method: OAuthMethod(), at: .t0, jitter: 0)
        #expect(grant.state == .live)
        #expect(grant.dueAt == Self.at(3_240))
    }

    // MARK: Needing

    @Test(
        arguments: [
            (OAuthMethod.Grant.authorizationCode, nil, nil, false), (.authorizationCode, nil, 0, true),
            (.authorizationCode, nil, 1, false), (.authorizationCode, 10, nil, true),
            (.authorizationCode, 11, nil, false), (.authorizationCode, 3_600, -1, true),
            (.clientCredentials, nil, nil, true),
            (.clientCredentials, 11, nil, false),
        ] as [(OAuthMethod.Grant, Int64?, Int64?, Bool)])
    func needsRefresh(_ kind: OAuthMethod.Grant, _ end: Int64?, _ due: Int64?, _ isNeeded: Bool) {
        var grant = Self.grant(kind)
        grant.accessExpiresAt = end.map { Self.at($0) }
        grant.dueAt = due.map { Self.at($0) }
        #expect(grant.needsRefresh(at: .t0) == isNeeded)
    }

    // MARK: Refresh tokens that end

    @Test(
        arguments: [
            ("lasts longer each time", [1_000, 2_000], true), ("stands", [1_000, 1_000], false),
            ("stands, told anew as a span", [1_000, 1_030], false), ("told once", [1_000], nil),
            ("stood, and then did not", [1_000, 1_000, 5_000], true), ("not told", [nil, nil], nil),
        ] as [(String, [Int64?], Bool?)])
    func `what a refresh does to the refresh token's end is kept`(_ name: String, _ ends: [Int64?], _ renews: Bool?) {
        var grant = Self.grant()
        for end in ends {
            grant.accept(
                Self.tokens(refreshExpiresIn: end), hasRefreshToken: true, method: OAuthMethod(), at: .t0, jitter: 0)
        }
        #expect(grant.renewsRefreshToken == renews, "\(name)")
    }

    @Test func `one that is not given again does not renew itself`() {
        var grant = Self.grant()
        grant.accept(
            Self.tokens(refreshExpiresIn: 1_000), hasRefreshToken: true, method: OAuthMethod(), at: .t0, jitter: 0)
        grant.accept(Self.tokens(refresh: false), hasRefreshToken: true, method: OAuthMethod(), at: .t0, jitter: 0)
        #expect(grant.refreshExpiresAt == Self.at(1_000))
        #expect(grant.renewsRefreshToken == false)
    }
}
