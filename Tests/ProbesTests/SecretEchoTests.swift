import Testing

@testable import Probes

@Suite struct SecretEchoTests {
    private static let secret = "Tok-en_7f3A9c2E51"

    @Test(arguments: [
        secret, "key-\(secret)-x", "TOK-EN_7F3A9C2E51", "tok-en_7f3a9c2e51", "x-n_7f3A9c", "VG9rLWVuXzdmM0E5YzJFNTE=",
        "QVRvay1lbl83ZjNBOWMyRTUx", "QUJUb2stZW5fN2YzQTljMkU1MQ", "546f6b2d656e5f37663341396332453531",
        "%54%6F%6B%2D%65%6E%5F%37%66%33%41%39%63%32%45%35%31",
    ])
    func repeats(_ text: String) { #expect(SecretEcho(text).repeats(Self.secret)) }

    @Test(arguments: [
        "", "invalid_api_key", "Tok-en_", "ada@acme.example", "token", "51", "Weather desk 3.1", "us-west-2",
        "AccessDenied",
    ])
    func isOfSomethingElse(_ text: String) { #expect(!SecretEcho(text).repeats(Self.secret)) }

    @Test(arguments: [("the pin is 1234", "1234", true), ("the pin is 1234", "123", false), ("123", "1234", false)])
    func shortSecrets(_ text: String, _ secret: String, _ isRepeated: Bool) {
        #expect(SecretEcho(text).repeats(secret) == isRepeated)
    }
}
