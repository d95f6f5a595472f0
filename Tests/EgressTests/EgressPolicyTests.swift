import Connections
import NIOCore
import Testing

@testable import Egress

@Suite struct EgressPolicyTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let address: String
        let port: Int
        let isPermitted: Bool
        let allowing: [String]
        let forbidding: (address: String, port: Int?)?
        let purpose: EgressPurpose

        init(
            _ address: String, _ isPermitted: Bool, port: Int = 443, allowing: [String] = [],
            forbidding: (address: String, port: Int?)? = nil, purpose: EgressPurpose = .oauth
        ) {
            self.address = address
            self.port = port
            self.isPermitted = isPermitted
            self.allowing = allowing
            self.forbidding = forbidding
            self.purpose = purpose
        }

        var testDescription: String {
            let opened = allowing.joined(separator: ", ")
            let closed = forbidding.map { " but \($0.address):\($0.port ?? 0)" } ?? ""
            return "\(address):\(port) for \(purpose), opened: \(opened)\(closed)"
        }
    }

    static let everything = ["0.0.0.0/0", "::/0"]

    static let cases: [Case] = [
        Case("8.8.8.8", true),
        Case("8.8.8.8", true, port: 25),
        Case("2606:4700::1", true),
        Case("10.0.0.1", false),
        Case("10.0.0.1", true, allowing: ["10.0.0.0/8"]),
        Case("10.0.0.1", false, port: 80, allowing: ["10.0.0.0/8:443"]),
        Case("10.0.0.1", true, allowing: ["10.0.0.0/8:443"]),
        Case("10.0.0.1", false, allowing: ["probe=10.0.0.0/8"]),
        Case("10.0.0.1", true, allowing: ["probe=10.0.0.0/8"], purpose: .probe),
        Case("192.168.1.1", true, allowing: ["10.0.0.0/8", "192.168.0.0/16"]),
        Case("127.0.0.1", false, allowing: ["10.0.0.0/8"]),
        Case("::1", true, allowing: ["::1"]),
        Case("fd12::1", true, allowing: ["fd00::/8"]),
        // What no allowance opens.
        Case("0.0.0.0", false, allowing: everything),
        Case("::", false, allowing: everything),
        Case("169.254.169.254", false, port: 80, allowing: everything),
        Case("169.254.170.2", false, allowing: everything),
        Case("169.254.170.23", false, allowing: everything),
        Case("169.254.0.23", false, allowing: everything),
        Case("169.254.42.42", false, allowing: everything),
        Case("100.100.100.200", false, allowing: everything),
        Case("192.0.0.192", false, allowing: everything),
        Case("fd00:ec2::254", false, allowing: everything),
        Case("fd00:ec2::23", false, allowing: everything),
        Case("fd20:ce::254", false, allowing: everything),
        Case("fd00:42::42", false, allowing: everything),
        Case("fe80::a9fe:a9fe", false, allowing: everything),
        Case("::ffff:169.254.169.254", false, allowing: everything),
        Case("64:ff9b::169.254.169.254", false, allowing: everything),
        Case("::169.254.169.254", false, allowing: everything),
        Case("2002:a9fe:a9fe::1", false, allowing: everything),
        Case("169.254.169.253", true, allowing: everything),
        Case("64:ff9b::8.8.8.8", true, allowing: everything),
        // In public space, and yet the cloud's own.
        Case("168.63.129.16", false),
        Case("168.63.129.17", true),
        Case("127.0.0.1", false, port: 8_080, allowing: ["127.0.0.1"], forbidding: ("127.0.0.1", 8_080)),
        Case("127.0.0.1", true, port: 8_081, allowing: ["127.0.0.1"], forbidding: ("127.0.0.1", 8_080)),
        Case("127.0.0.1", false, port: 8_081, allowing: ["127.0.0.1"], forbidding: ("127.0.0.1", nil)),
        Case("8.8.8.8", false, forbidding: ("8.8.8.8", 443)),
        Case("64:ff9b::10.0.0.5", false, port: 5_432, allowing: everything, forbidding: ("10.0.0.5", 5_432)),
        // A listener on every address is on every address.
        Case("127.0.0.1", false, port: 8_080, allowing: everything, forbidding: ("0.0.0.0", 8_080)),
        Case("127.9.9.9", false, port: 8_080, allowing: everything, forbidding: ("0.0.0.0", 8_080)),
        Case("::1", false, port: 8_080, allowing: everything, forbidding: ("::", 8_080)),
        Case("127.0.0.1", false, port: 8_080, allowing: everything, forbidding: ("::", 8_080)),
        Case("127.0.0.1", true, port: 8_081, allowing: everything, forbidding: ("0.0.0.0", 8_080)),
        Case("10.99.98.97", true, port: 8_080, allowing: everything, forbidding: ("0.0.0.0", 8_080)),
    ]

    @Test(arguments: EgressPolicyTests.cases)
    func permits(_ expected: Case) throws {
        let policy = EgressPolicy(
            allowances: try expected.allowing.map { try #require(EgressAllowance($0)) },
            forbidden: try [expected.forbidding].compactMap(\.self).map {
                (try #require(IPAddress($0.address)), $0.port)
            })
        let address = try #require(IPAddress(expected.address))
        #expect(policy.permits(address, port: expected.port, purpose: expected.purpose) == expected.isPermitted)
    }

    @Test func aListenerOnEveryAddressIsOnEveryInterface() throws {
        let policy = EgressPolicy(
            allowances: try Self.everything.map { try #require(EgressAllowance($0)) },
            forbidden: [(try #require(IPAddress("0.0.0.0")), port: 8_080)])
        for device in try System.enumerateDevices() {
            guard let address = device.address?.ipAddress.flatMap({ IPAddress($0) }) else { continue }
            #expect(!policy.permits(address, port: 8_080, purpose: .oauth))
        }
    }

    @Test func plainHTTPIsForWhatWasOpened() throws {
        let policy = EgressPolicy(
            allowances: [try #require(EgressAllowance("oauth=8.8.8.0/24:80"))], forbidden: [])
        let opened = try #require(IPAddress("8.8.8.8"))
        let other = try #require(IPAddress("8.8.4.4"))
        #expect(!policy.requiresTLS(opened, port: 80, purpose: .oauth))
        #expect(policy.requiresTLS(opened, port: 81, purpose: .oauth))
        #expect(policy.requiresTLS(opened, port: 80, purpose: .probe))
        #expect(policy.requiresTLS(other, port: 80, purpose: .oauth))
    }

    @Test(arguments: ["1.2.3.4", "::", "::1", "2001:db8::1", "fe80::a9fe:a9fe", "ff02::1:ff00:1", "64:ff9b::1.2.3.4"])
    func addressesAreWrittenAsThePlatformReadsThem(_ text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(IPAddress(address.text) == address)
    }
}
