import Connections
import Testing

@testable import Egress

@Suite struct EgressAllowanceTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let text: String
        let address: String
        let port: Int
        var purpose = EgressPurpose.oauth
        let isOpen: Bool

        init(_ text: String, _ address: String, _ port: Int, _ isOpen: Bool, for purpose: EgressPurpose = .oauth) {
            self.text = text
            self.address = address
            self.port = port
            self.isOpen = isOpen
            self.purpose = purpose
        }

        var testDescription: String {
            "\(text) \(isOpen ? "opens" : "does not open") \(address):\(port) for \(purpose)"
        }
    }

    @Test(arguments: [
        Case("10.0.0.0/8", "10.255.0.1", 1, true), Case("10.0.0.0/8", "10.255.0.1", 65_535, true),
        Case("10.0.0.0/8", "11.0.0.1", 80, false), Case("10.0.0.7", "10.0.0.7", 80, true),
        Case("10.0.0.7", "10.0.0.8", 80, false), Case("10.0.0.7:80", "10.0.0.7", 80, true),
        Case("10.0.0.7:80", "10.0.0.7", 81, false), Case("10.0.0.0/8:80", "10.1.1.1", 80, true),
        Case("10.0.0.0/8:80", "10.1.1.1", 443, false), Case("10.0.0.0/8:80-90", "10.1.1.1", 80, true),
        Case("10.0.0.0/8:80-90", "10.1.1.1", 90, true), Case("10.0.0.0/8:80-90", "10.1.1.1", 91, false),
        Case("10.0.0.0/8:80-90", "10.1.1.1", 79, false), Case("10.0.0.0/8:80-80", "10.1.1.1", 80, true),
        Case("10.0.0.0/8:1-65535", "10.1.1.1", 65_535, true),
        Case("oauth=127.0.0.1/32:9000-9100", "127.0.0.1", 9_050, true),
        Case("oauth=127.0.0.1/32:9000-9100", "127.0.0.1", 9_050, false, for: .probe),
        Case("probe=127.0.0.1", "127.0.0.1", 1, true, for: .probe),
        Case("webhook=127.0.0.1", "127.0.0.1", 1, true, for: .webhook),
        Case("proxy=127.0.0.1", "127.0.0.1", 1, true, for: .proxy),
        Case("proxy=127.0.0.1", "127.0.0.1", 1, false, for: .webhook),
        Case("::1", "::1", 80, true), Case("::1/128", "::1", 80, true), Case("::1/128:8080", "::1", 8_080, true),
        Case("::1/128:8080", "::1", 8_081, false), Case("[::1]", "::1", 80, true),
        Case("[::1]/128", "::1", 80, true), Case("[::1]:8080", "::1", 8_080, true),
        Case("[::1]:8080", "::1", 8_081, false), Case("[::1]/128:8080-8082", "::1", 8_082, true),
        Case("webhook=[fd00::]/8:443", "fdff::1", 443, true, for: .webhook),
        Case("fd00::/8", "fdff::1", 443, true), Case("fd00::/8", "fe00::1", 443, false),
        // Without brackets a colon is part of the address.
        Case("::1:8080", "::1:8080", 80, true), Case("::1:8080", "::1", 8_080, false),
        Case("::ffff:10.0.0.1", "10.0.0.1", 80, true), Case("0.0.0.0/0", "8.8.8.8", 80, true),
        Case("0.0.0.0/0", "::1", 80, false), Case("::/0", "10.0.0.1", 80, false),
    ])
    func opens(_ expected: Case) throws {
        let allowance = try #require(EgressAllowance(expected.text))
        let address = try #require(IPAddress(expected.address))
        #expect(allowance.covers(address, port: expected.port, purpose: expected.purpose) == expected.isOpen)
    }

    @Test(arguments: [
        "", " ", "=", "oauth", "oauth=", "=10.0.0.0/8", "mail=10.0.0.0/8", "OAuth=10.0.0.0/8", "oauth =10.0.0.0/8",
        "oauth= 10.0.0.0/8", "oauth=probe=10.0.0.0/8", "oauth:10.0.0.0/8", "localhost", "example.com:80", "*", "*:80",
        "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "/8", ":80", "/8:80",
        "10.0.0.0/8:", "10.0.0.0/8:0", "10.0.0.0/8:65536", "10.0.0.0/8:-1", "10.0.0.0/8:080", "10.0.0.0/8:+80",
        "10.0.0.0/8:80-", "10.0.0.0/8:-80", "10.0.0.0/8:90-80", "10.0.0.0/8:80-90-99", "10.0.0.0/8:80,90",
        "10.0.0.0/8:80:90", "10.0.0.0/8:http", "10.0.0.0/8:\u{668}0", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8\n",
        "10.0.0.1:", "10.0.0.1:x", "10.0.0.1:80:80", "010.0.0.1", "0x7f.1", "127.1", "2130706433",
        "[10.0.0.1]", "[10.0.0.1]:80", "[::1", "::1]", "[]", "[]:80", "[::1]8080", "[::1]x", "[::1]/129", "[::1]//128",
        "[::1]/128:", "[::1]:0", "::1/129", "::1/128:0", ":::", "[fe80::1%eth0]", "fe80::1%eth0",
        "10.0.0.0/8,192.168.0.0/16", "10.0.0.0/8;", "10.0.0.0/8\0",
        // What is written is what is opened.
        "10.0.0.1/8", "10.128.0.0/8", "127.0.0.1/31", "::1/127", "fd00::1/8", "[2001:db8::1]/64",
        "::ffff:10.0.0.0/104",
    ])
    func refused(_ text: String) {
        #expect(EgressAllowance(text)?.range.text == nil)
    }
}
