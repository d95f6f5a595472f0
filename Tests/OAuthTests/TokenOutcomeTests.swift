import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import OAuth

/// What token endpoints answer, the standard's way and others.
@Suite struct TokenOutcomeTests {
    private static func outcome(_ body: String, status: Int, _ change: (inout OAuthMethod) -> Void) -> TokenOutcome {
        var method = OAuthMethod()
        change(&method)
        return TokenOutcome(RawAnswer(status: status, body: Array(body.utf8), askedAt: .t0), method: method)
    }

    // MARK: Success

    struct Success: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let body: String
        var method: @Sendable (inout OAuthMethod) -> Void = { _ in }
        var access = "a"
        var refresh: String?
        var type = "Bearer"
        /// Seconds after the request.
        var expires: Int64?
        var refreshExpires: Int64?
        var scopes: [String]?
    }

    @Test(arguments: successes) func grants(_ success: Success) throws {
        guard case .granted(let tokens, _) = Self.outcome(success.body, status: 200, success.method) else {
            Issue.record("refused")
            return
        }
        #expect(tokens.accessToken.withText { $0 } == success.access)
        #expect(tokens.refreshToken?.withText { $0 } == success.refresh)
        #expect(tokens.tokenType == success.type)
        #expect(tokens.expiresAt == success.expires.map { .t0.advanced(bySeconds: $0) })
        #expect(tokens.refreshExpiresAt == success.refreshExpires.map { .t0.advanced(bySeconds: $0) })
        #expect(tokens.scopes == success.scopes)
    }

    @Test func `an ID token comes along`() throws {
        guard
            case .granted(let tokens, let answer) = Self.outcome(
                #"{"access_token":"a","id_token":"i","team":{"id":"T"}}"#, status: 201, { _ in })
        else {
            Issue.record("refused")
            return
        }
        #expect(tokens.idToken?.withText { $0 } == "i")
        #expect(answer.text(at: "team.id") == "T")
    }

    // MARK: Refusal

    struct Refusal: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let body: String
        var status = 400
        var method: @Sendable (inout OAuthMethod) -> Void = { _ in }
        let kind: TokenRefusal.Kind
        let code: String
    }

    @Test(arguments: refusals) func refuses(_ refusal: Refusal) throws {
        guard case .refused(let found) = Self.outcome(refusal.body, status: refusal.status, refusal.method) else {
            Issue.record("granted")
            return
        }
        #expect(found == TokenRefusal(refusal.kind, refusal.code, httpStatus: refusal.status))
    }

    // MARK: Keeping

    @Test(arguments: [
        (200, [UInt8](#"{"access_token":"a"}"#.utf8)), (503, []), (200, [UInt8("\n"), 0, 255, UInt8("\n")]),
    ])
    func `an answer is kept byte for byte`(_ status: Int, _ body: [UInt8]) throws {
        let kept = try #require(RawAnswer(RawAnswer(status: status, body: body, askedAt: .t0).bytes))
        #expect(kept.status == status)
        #expect(kept.body == body)
        #expect(kept.askedAt == .t0)
    }

    @Test(arguments: ["", "200 1", "200\n{}", "x 1\n{}", "200 x\n{}", "200 1 2\n{}"])
    func `what was never kept so is none`(_ text: String) {
        #expect(RawAnswer(Array(text.utf8)) == nil)
    }
}

extension UInt8 {
    fileprivate init(_ scalar: Unicode.Scalar) { self.init(ascii: scalar) }
}
