import Connections
import Egress
import LosslessJSON
import Testing

@testable import OAuth

@Suite struct EncodingTests {
    @Test(arguments: [
        ("", ""), ("abcXYZ019-._~", "abcXYZ019-._~"), (" ", "%20"), ("+", "%2B"), ("%20", "%2520"),
        ("a b&c=d", "a%20b%26c%3Dd"), ("/?#[]@!$'()*,;:", "%2F%3F%23%5B%5D%40%21%24%27%28%29%2A%2C%3B%3A"),
        ("é€😀", "%C3%A9%E2%82%AC%F0%9F%98%80"), ("\r\n\0", "%0D%0A%00"),
    ])
    func percentEncodes(_ text: String, _ encoded: String) {
        #expect(percentEncoded(text) == encoded)
    }

    /// The example of RFC 6749, appendix B, and what is special in a form.
    @Test(arguments: [
        (" %&+£€", "+%25%26%2B%C2%A3%E2%82%AC"), ("a b", "a+b"), ("%20", "%2520"), ("a+b", "a%2Bb"), ("~-._", "~-._"),
    ])
    func formEncodes(_ text: String, _ encoded: String) {
        #expect(formEncoded(text) == encoded)
    }

    @Test func `a form keeps order and repetition`() {
        let pairs = [(name: "a", value: "1"), (name: "b c", value: "&"), (name: "a", value: "")]
        #expect(formEncoded(pairs) == "a=1&b+c=%26&a=")
        #expect(formEncoded([]) == "")
    }

    @Test(arguments: [
        ([UInt8](), ""), ([0xFB, 0xFF], "-_8"), ([0xFF], "_w"), ([1, 2, 3], "AQID"),
        // RFC 7636, appendix A
        ([3, 236, 255, 224, 193], "A-z_4ME"),
    ])
    func base64ForURLs(_ raw: [UInt8], _ text: String) {
        #expect(base64URL(raw) == text)
        #expect(bytes(base64URL: text) == raw)
    }

    @Test(arguments: ["*", "A", "a b"])
    func `what is not base64 is none`(_ text: String) {
        #expect(bytes(base64URL: text) == nil)
    }

    @Test func `claims are read and not believed`() throws {
        let token = "\(base64URL(Array(#"{"alg":"none"}"#.utf8))).\(base64URL(Array(#"{"exp":5}"#.utf8)))."
        #expect(jwtClaims(token)?.text(at: "exp") == "5")
        for text in ["", "a.b", "a.b.c.d", "a.*.c", "a.\(base64URL(Array("[]".utf8))).c"] {
            #expect(jwtClaims(text) == nil)
        }
    }
}
