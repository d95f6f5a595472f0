import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import Delivery

@Suite struct SignatureTests {
    private static let payload = JSONText.literal(#"{"test": 2432232314}"#)

    /// The example that the Standard Webhooks libraries are tested with.
    @Test func `the published example is signed as published`() throws {
        let key = try #require(SigningKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let header = Signature.header(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", time: 1_614_265_330, payload: Self.payload, keys: [key])
        #expect(header == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test func `each key signs, the newest first`() throws {
        let old = try #require(SigningKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let new = try #require(SigningKey("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
        func header(_ keys: SigningKey...) -> String {
            Signature.header(id: "evt_1", time: 1, payload: Self.payload, keys: keys)
        }
        #expect(header(new, old) == "\(header(new)) \(header(old))")
        #expect(header(new) != header(old))
    }

    @Test func `what is signed is id, time and payload`() throws {
        let key = try #require(SigningKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let headers = [
            Signature.header(id: "a", time: 1, payload: Self.payload, keys: [key]),
            Signature.header(id: "b", time: 1, payload: Self.payload, keys: [key]),
            Signature.header(id: "a", time: 2, payload: Self.payload, keys: [key]),
            Signature.header(id: "a", time: 1, payload: .emptyObject, keys: [key]),
        ]
        #expect(Set(headers).count == 4)
    }

    @Test func `a key is written as its receiver has to know it, and read back`() throws {
        let ambient = Ambient(now: { .t0 }, randomBytes: { [UInt8](repeating: 7, count: $0) })
        let key = SigningKey(random: ambient)
        #expect(key.secret.count == 32)
        let text = key.text.withBytes { String(decoding: $0, as: UTF8.self) }
        #expect(text == "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
        let again = try #require(SigningKey(text))
        let same = again.secret.withBytes { Array($0) } == [UInt8](repeating: 7, count: 32)
        #expect(same)
        #expect(SigningKey("BwcHBw==") == nil)
        #expect(SigningKey("whsec_!") == nil)
    }
}
