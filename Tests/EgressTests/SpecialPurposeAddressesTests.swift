import Connections
import Testing

@testable import Egress

/// Both registries as IANA has them, written down anew: the first and the last address of every block.
@Suite struct SpecialPurposeAddressesTests {
    struct Block: CustomTestStringConvertible, Sendable {
        let first: String
        let last: String

        init(_ first: String, _ last: String) {
            self.first = first
            self.last = last
        }

        var testDescription: String { "\(first) to \(last)" }
    }

    @Test(arguments: [
        Block("0.0.0.0", "0.255.255.255"), Block("0.0.0.0", "0.0.0.0"), Block("10.0.0.0", "10.255.255.255"),
        Block("100.64.0.0", "100.127.255.255"), Block("127.0.0.0", "127.255.255.255"),
        Block("169.254.0.0", "169.254.255.255"), Block("172.16.0.0", "172.31.255.255"),
        Block("192.0.0.0", "192.0.0.255"), Block("192.0.0.0", "192.0.0.7"), Block("192.0.0.8", "192.0.0.8"),
        Block("192.0.0.9", "192.0.0.9"), Block("192.0.0.10", "192.0.0.10"), Block("192.0.0.170", "192.0.0.171"),
        Block("192.0.2.0", "192.0.2.255"), Block("192.31.196.0", "192.31.196.255"),
        Block("192.52.193.0", "192.52.193.255"), Block("192.88.99.0", "192.88.99.255"),
        Block("192.168.0.0", "192.168.255.255"), Block("192.175.48.0", "192.175.48.255"),
        Block("198.18.0.0", "198.19.255.255"), Block("198.51.100.0", "198.51.100.255"),
        Block("203.0.113.0", "203.0.113.255"), Block("224.0.0.0", "239.255.255.255"),
        Block("240.0.0.0", "255.255.255.255"), Block("255.255.255.255", "255.255.255.255"),
    ])
    func ipv4(_ block: Block) throws { try refuses(block) }

    @Test(arguments: [
        Block("::", "::"), Block("::1", "::1"), Block("::2", "::ffff:ffff"),
        // Inside ::ffff:0:0/96 an address counts as IPv4; writing it so is refused where the URL is read.
        Block("::ffff:0.0.0.0", "::ffff:10.255.255.255"), Block("::ffff:127.0.0.1", "::ffff:255.255.255.255"),
        Block("::fffe:ffff:ffff", "::1:0:0:0"), Block("64:ff9b::", "64:ff9b::ffff:ffff"),
        Block("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"), Block("100::", "100::ffff:ffff:ffff:ffff"),
        Block("100:0:0:1::", "100::1:ffff:ffff:ffff:ffff"), Block("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"), Block("2001:1::1", "2001:1::3"),
        Block("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
        Block("2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"),
        Block("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"),
        Block("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        // Everything that IANA has not given out.
        Block("1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        Block("4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), Block("fe00::", "fe7f:ffff::"),
    ])
    func ipv6(_ block: Block) throws { try refuses(block) }

    /// The addresses next to the blocks, and some that everybody knows.
    @Test(arguments: [
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.1.255",
        "192.0.3.0", "192.31.195.255", "192.31.197.0", "192.52.192.255", "192.52.194.0", "192.88.98.255",
        "192.88.100.0", "192.167.255.255", "192.169.0.0", "192.175.47.255", "192.175.49.0", "198.17.255.255",
        "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "8.8.8.8", "1.1.1.1", "140.82.112.3",
        "2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::", "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff",
        "2620:4f:8001::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::",
        "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e",
    ])
    func publicNeighbours(_ text: String) throws {
        #expect(SpecialPurposeAddresses.isPublicUnicast(try #require(IPAddress(text))))
    }

    @Test func everyBlockSaysWhereItComesFrom() {
        for block in SpecialPurposeAddresses.ipv4 + SpecialPurposeAddresses.ipv6 {
            #expect(block.source.hasPrefix("RFC "), "\(block.range.text)")
            #expect(!block.purpose.isEmpty, "\(block.range.text)")
        }
    }

    private func refuses(_ block: Block) throws {
        for text in [block.first, block.last] {
            let address = try #require(IPAddress(text))
            #expect(!SpecialPurposeAddresses.isPublicUnicast(address), "\(text)")
        }
    }
}
