import Connections
import Testing

@Suite struct IPRangeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let range: String
        let other: String
        let isWithin: Bool

        init(_ range: String, _ other: String, _ isWithin: Bool) {
            self.range = range
            self.other = other
            self.isWithin = isWithin
        }

        var testDescription: String { "\(range) \(isWithin ? "has" : "has not") \(other)" }
    }

    @Test(arguments: [
        Case("10.0.0.0/8", "10.0.0.0", true), Case("10.0.0.0/8", "10.255.255.255", true),
        Case("10.0.0.0/8", "11.0.0.0", false), Case("10.0.0.0/8", "9.255.255.255", false),
        Case("172.16.0.0/12", "172.31.255.255", true), Case("172.16.0.0/12", "172.32.0.0", false),
        Case("192.168.1.128/25", "192.168.1.127", false), Case("192.168.1.128/25", "192.168.1.128", true),
        Case("192.0.2.1", "192.0.2.1", true), Case("192.0.2.1", "192.0.2.2", false),
        Case("192.0.2.2/31", "192.0.2.3", true), Case("192.0.2.2/31", "192.0.2.1", false),
        Case("0.0.0.0/0", "255.255.255.255", true), Case("0.0.0.0/0", "::1", false),
        // Bits past the prefix do not count.
        Case("10.9.8.7/8", "10.1.1.1", true),
        Case("2001:db8::/32", "2001:db8:ffff::1", true), Case("2001:db8::/32", "2001:db9::", false),
        Case("2001:db8::/33", "2001:db8:7fff::", true), Case("2001:db8::/33", "2001:db8:8000::", false),
        Case("::1", "::1", true), Case("::1/128", "::2", false), Case("2001:DB8::A", "2001:db8:0:0::a", true),
        Case("::/0", "2001:db8::1", true), Case("::/0", "10.0.0.1", false),
        // IPv4 inside IPv6 is IPv4.
        Case("10.0.0.0/8", "::ffff:10.1.2.3", true), Case("::ffff:10.1.2.3", "10.1.2.3", true),
        Case("::/0", "::ffff:10.1.2.3", false), Case("10.0.0.0/8", "::10.1.2.3", false),
    ])
    func addresses(_ expected: Case) throws {
        let range = try #require(IPRange(expected.range))
        let address = try #require(IPAddress(expected.other))
        #expect(range.contains(address) == expected.isWithin)
        #expect(range.text == expected.range)
    }

    @Test(arguments: [
        Case("10.0.0.0/8", "10.0.0.0/8", true), Case("10.0.0.0/8", "10.1.0.0/16", true),
        Case("10.1.0.0/16", "10.0.0.0/8", false), Case("10.0.0.0/8", "10.1.2.3", true),
        Case("10.0.0.0/8", "11.0.0.0/16", false), Case("10.9.9.9/8", "10.1.0.0/16", true),
        Case("10.0.0.0/9", "10.128.0.0/9", false), Case("0.0.0.0/0", "::/0", false),
        Case("::/0", "0.0.0.0/0", false), Case("::/0", "2001:db8::/32", true),
        Case("2001:db8::/32", "2001:db8:1::/48", true), Case("2001:db8:1::/48", "2001:db8::/32", false),
        Case("10.0.0.1", "10.0.0.1/32", true), Case("10.0.0.1/32", "10.0.0.0/31", false),
    ])
    func ranges(_ expected: Case) throws {
        let range = try #require(IPRange(expected.range))
        let other = try #require(IPRange(expected.other))
        #expect(range.contains(other) == expected.isWithin)
    }

    @Test(arguments: [
        "", "/", "/8", " ", "localhost", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
        "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.0 /8", " 10.0.0.0/8", "10.0.0.0/8 ", "10.0.0.0/8\n", "10.0.0.0/8\0",
        "10.0.0.0/255.0.0.0", "10.0.0.0/a", "10.0.0.0/\u{668}", "10.0.0.0-10.0.0.9",
        // Shorthand, octal, hexadecimal, whole numbers, and digits of other scripts.
        "10", "10.1", "10.0.0", "10.0.0.", ".10.0.0.1", "1.2.3.4.5", "10.0.0.256", "010.0.0.1", "0x0a.0.0.1",
        "167772161", "0x0a000001", "10.0.0.\u{661}",
        "2001:db8::/129", "2001::db8::1", "2001:db8", ":", ":::", "[::1]", "[::1]/128", "fe80::1%eth0", "12345::",
        "::ffff:10.0.0.0/104",
        // The platform reads up to U+0000; what stands behind it must not slip through.
        "10.0.0.1\0", "10.0.0.1\0junk", "10.0.0.0\0/8", "::1\0%eth0",
    ])
    func refused(_ text: String) {
        #expect(IPRange(text)?.text == nil)
    }
}
