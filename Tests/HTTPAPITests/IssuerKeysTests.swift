import Connections
import HTTPTypes
import Logging
import Testing

@testable import HTTPAPI

@Suite struct IssuerKeysTests {
    /// A verifier that has read the issuer's keys, under a clock that stands.
    struct Scene: Sendable {
        let issuer = TestIssuer()
        let clock = Harness.TestClock()
        let verifier: UserTokenVerifier
        static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

        init(_ text: String?) async throws {
            issuer.publish(text)
            verifier = try await UserTokenVerifier(
                UserTokenConfiguration(
                    key: .keySet(url: "https://issuer/jwks"), issuer: "https://issuer", audience: "patchbay",
                    claims: nil),
                at: clock.now, logger: Self.logger, fetch: issuer.answer)
        }

        init(_ keys: IssuerKey...) async throws {
            try await self.init(#"{"keys":[\#(keys.map(\.jwk).joined(separator: ","))]}"#)
        }

        /// What a request with the token would be answered.
        func status(_ token: String) async -> Int {
            do {
                let principal = try await verifier.verify(token, at: clock.now)
                return principal.userID == "u1" ? 200 : 500
            } catch {
                return ErrorAnswers.answer(to: error, logger: Self.logger).status.code
            }
        }

        func status(_ key: IssuerKey) async throws -> Int {
            await status(try key.token(at: clock.now))
        }
    }

    @Test func `each kind of key verifies with its own algorithm`() async throws {
        let keys = [try await IssuerKey.es256("a"), try await .edDSA("b"), try await .rs256("c")]
        let scene = try await Scene(keys[0], keys[1], keys[2])
        for key in keys {
            #expect(try await scene.status(key) == 200, "\(key.algorithm)")
            for other in keys where other.id != key.id {
                let lent = #"{"alg":"\#(key.algorithm)","kid":"\#(other.id ?? "")"}"#
                let named = #"{"alg":"\#(other.algorithm)","kid":"\#(other.id ?? "")"}"#
                #expect(await scene.status(try key.token(header: lent, at: scene.clock.now)) == 401)
                #expect(await scene.status(try key.token(header: named, at: scene.clock.now)) == 401)
            }
        }
        #expect(scene.issuer.fetches == 1)
    }

    @Test func `a token cannot choose its algorithm`() async throws {
        let key = try await IssuerKey.rs256("a")
        let scene = try await Scene(key)
        for secret in [KeyVectors.rsaModulus, key.jwk] {
            let forger = try await IssuerKey.hs256("a", secret: secret)
            for alg in ["HS256", "RS256", "none", "None", "", "hs256"] {
                let token = try forger.token(header: #"{"alg":"\#(alg)","kid":"a"}"#, at: scene.clock.now)
                #expect(await scene.status(token) == 401, "\(alg)")
                let unsigned = token.prefix(through: token.lastIndex(of: ".") ?? token.startIndex)
                #expect(await scene.status(String(unsigned)) == 401, "\(alg)")
            }
        }
        let headers = [
            #"{"kid":"a"}"#, #"{"alg":null,"kid":"a"}"#, #"{"alg":"RS256","alg":"none","kid":"a"}"#,
            #"{"alg":"RS256","kid":"a","jku":"https://evil"}"#, #"{"alg":"RS256","kid":"a","x5u":"https://evil"}"#,
            #"{"alg":"RS256","kid":"a","jwk":\#(key.jwk)}"#, #"{"alg":"RS256","kid":"a","crit":["b64"]}"#,
            #"{"alg":"RS256","kid":7}"#, #"{"alg":"RS256","kid":null}"#,
        ]
        for header in headers {
            #expect(await scene.status(try key.token(header: header, at: scene.clock.now)) == 401, "\(header)")
        }
        #expect(scene.issuer.fetches == 1)
    }

    @Test func `only a set of one key needs no kid`() async throws {
        let (a, b) = (try await IssuerKey.es256("a"), try await IssuerKey.es256("b"))
        let header = #"{"alg":"ES256"}"#
        let one = try await Scene(a)
        #expect(await one.status(try a.token(header: header, at: one.clock.now)) == 200)
        #expect(await one.status(try b.token(header: header, at: one.clock.now)) == 401)
        let two = try await Scene(a, b)
        #expect(await two.status(try a.token(header: header, at: two.clock.now)) == 401)
        #expect(one.issuer.fetches == 1 && two.issuer.fetches == 1)
        let nameless = try await IssuerKey.es256(nil)
        let unnamed = try await Scene(nameless)
        #expect(try await unnamed.status(nameless) == 200)
        #expect(try await unnamed.status(a) == 401)
    }

    @Test func `a new key is found at once, and one that left the set ends`() async throws {
        let (old, new) = (try await IssuerKey.es256("old"), try await IssuerKey.edDSA("new"))
        let scene = try await Scene(old)
        #expect(try await scene.status(old) == 200)
        scene.issuer.publish(old, new)
        #expect(try await scene.status(new) == 200)
        #expect(try await scene.status(old) == 200)
        #expect(scene.issuer.fetches == 2)
        scene.issuer.publish(new)
        scene.clock.advance(seconds: KeySetSchedule.staleInterval)
        #expect(try await scene.status(old) == 401)
        #expect(try await scene.status(new) == 200)
        #expect(scene.issuer.fetches == 3)
    }

    @Test func `a kid that now names another key means that one`() async throws {
        let (old, new) = (try await IssuerKey.es256("a"), try await IssuerKey.es256("a"))
        let scene = try await Scene(old)
        scene.issuer.publish(new)
        scene.clock.advance(seconds: KeySetSchedule.staleInterval)
        #expect(try await scene.status(old) == 401)
        #expect(try await scene.status(new) == 200)
    }

    @Test func `a storm of unknown kids is one fetch a minute`() async throws {
        let known = try await IssuerKey.es256("known")
        let scene = try await Scene(known)
        #expect(try await scene.status(known) == 200)
        let strangers = try await [IssuerKey.es256("x"), .edDSA("y"), .es256("z")]
        for minute in 1...3 {
            await withTaskGroup(of: Int.self) { group in
                for index in 0..<200 {
                    group.addTask { (try? await scene.status(strangers[index % 3])) ?? 0 }
                }
                for await status in group { #expect(status == 401) }
            }
            #expect(scene.issuer.fetches == 1 + minute)
            scene.clock.advance(seconds: KeySetSchedule.searchInterval - 1)
            #expect(try await scene.status(strangers[0]) == 401)
            #expect(scene.issuer.fetches == 1 + minute)
            scene.clock.advance(seconds: 1)
        }
        #expect(try await scene.status(known) == 200)
    }

    @Test func `everybody who waits for a new key gets it from one fetch`() async throws {
        let (old, new) = (try await IssuerKey.es256("old"), try await IssuerKey.es256("new"))
        let scene = try await Scene(old)
        #expect(try await scene.status(old) == 200)
        scene.issuer.publish(old, new)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<200 { group.addTask { (try? await scene.status(new)) ?? 0 } }
            for await status in group { #expect(status == 200) }
        }
        #expect(scene.issuer.fetches == 2)
    }

    static let badAnswers: [String?] = [
        nil, "", "<html>Bad Gateway</html>", "null", "{}", #"{"keys":[]}"#,
        #"{"keys":[{"kty":"oct","kid":"a","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}]}"#,
        #"{"keys":[{"kid":"b","use":"enc",\#(KeyVectors.rsa)}]}"#,
        #"{"keys":[{"kid":"b",\#(KeyVectors.rsa)}],"pad":"\#(String(repeating: "x", count: 256 << 10))"}"#,
    ]

    @Test(arguments: badAnswers.indices)
    func `a bad answer never drops a good key`(_ index: Int) async throws {
        let (known, stranger) = (try await IssuerKey.es256("a"), try await IssuerKey.es256("b"))
        let scene = try await Scene(known)
        #expect(try await scene.status(known) == 200)
        scene.issuer.publish(Self.badAnswers[index])
        #expect(try await scene.status(stranger) == 401)
        #expect(try await scene.status(known) == 200)
        scene.clock.advance(seconds: KeySetSchedule.staleInterval)
        #expect(try await scene.status(known) == 200)
        #expect(scene.issuer.fetches == 3)
        scene.issuer.publish(stranger)
        scene.clock.advance(seconds: KeySetSchedule.searchInterval)
        #expect(try await scene.status(stranger) == 200)
        #expect(try await scene.status(known) == 401)
    }

    @Test func `before the first good answer nobody is told that the token is wrong`() async throws {
        let key = try await IssuerKey.es256("a")
        let scene = try await Scene(String?.none)
        // The first one waits for the fetch of the start, or searches after it.
        #expect(try await scene.status(key) == 503)
        #expect(try await scene.status(key) == 503)
        #expect(try await scene.status(key) == 503)
        #expect(scene.issuer.fetches == 2)
        scene.issuer.publish(key)
        #expect(try await scene.status(key) == 503)
        scene.clock.advance(seconds: KeySetSchedule.firstInterval)
        #expect(try await scene.status(key) == 200)
        #expect(scene.issuer.fetches == 3)
    }

    @Test func `the answer says when to come again`() async throws {
        let scene = try await Scene(String?.none)
        let token = try await IssuerKey.es256("a").token(at: scene.clock.now)
        let error = await #expect(throws: APIError.self) { try await scene.verifier.verify(token, at: scene.clock.now) }
        let answer = ErrorAnswers.answer(to: try #require(error), logger: Scene.logger)
        #expect(answer.status == .serviceUnavailable)
        #expect(answer.headers.first { $0.name.canonicalName == "retry-after" }?.value == "5")
    }

    @Test func `the start waits for nothing, and its callers for the one fetch`() async throws {
        let key = try await IssuerKey.es256("a")
        let issuer = TestIssuer()
        issuer.hold()
        issuer.publish(key)
        let now = Harness.TestClock().now
        let keys = IssuerKeys(at: now, logger: Scene.logger) { try await issuer.answer("") }
        async let first = keys.key("a", at: now)
        async let second = keys.key("a", at: now)
        issuer.release()
        #expect(try await first.algorithm == "ES256")
        #expect(try await second.algorithm == "ES256")
        #expect(issuer.fetches == 1)
    }

    @Test func `keys in use are refreshed behind their backs`() async throws {
        let (old, new) = (try await IssuerKey.es256("old"), try await IssuerKey.es256("new"))
        let scene = try await Scene(old)
        #expect(try await scene.status(old) == 200)
        scene.issuer.publish(new)
        scene.clock.advance(seconds: KeySetSchedule.refreshInterval - 1)
        #expect(try await scene.status(old) == 200)
        #expect(scene.issuer.fetches == 1)
        scene.clock.advance(seconds: 1)
        scene.issuer.hold()
        // The answer is held up, and still this one is not.
        #expect(try await scene.status(old) == 200)
        #expect(try await scene.status(old) == 200)
        async let waits = scene.status(new)
        scene.issuer.release()
        #expect(try await waits == 200)
        #expect(try await scene.status(old) == 401)
        #expect(scene.issuer.fetches <= 3)
    }

    @Test func `after a long rest nobody gets in by a key that was withdrawn`() async throws {
        let (old, new) = (try await IssuerKey.es256("old"), try await IssuerKey.es256("new"))
        let scene = try await Scene(old)
        #expect(try await scene.status(old) == 200)
        scene.issuer.publish(new)
        scene.clock.advance(seconds: KeySetSchedule.staleInterval)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { (try? await scene.status(old)) ?? 0 } }
            for await status in group { #expect(status == 401) }
        }
    }

    @Test func `a clock that is set back stops nothing`() async throws {
        let (known, new) = (try await IssuerKey.es256("known"), try await IssuerKey.es256("new"))
        let scene = try await Scene(known)
        #expect(try await scene.status(new) == 401)
        scene.issuer.publish(known, new)
        scene.clock.advance(seconds: -KeySetSchedule.searchInterval)
        #expect(try await scene.status(new) == 200)
    }
}
