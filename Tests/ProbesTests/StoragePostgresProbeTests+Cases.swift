import Connections

@testable import Probes

extension StoragePostgresProbeTests {
    private typealias M = PostgresMessage

    /// Says this after the login was taken.
    private static func welcome(
        _ then: PostgresStandIn.Answer
    ) -> @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer {
        { number, _ in number == 0 ? .bytes(M.welcome) : then }
    }

    private static func first(
        _ answer: PostgresStandIn.Answer
    ) -> @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer {
        { number, _ in number == 0 ? answer : .silence }
    }

    /// Offers SCRAM, and sends a challenge with the client's nonce in it.
    private static func challenge(rounds: String) -> @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer {
        { number, message in
            switch number {
            case 0: return .bytes(M.request(10, "SCRAM-SHA-256\0\0"))
            case 1:
                let nonce = message.firstRange(of: Array("r=".utf8)).map { message[$0.upperBound...] } ?? []
                return .bytes(
                    M.challenge(nonce: String(decoding: nonce, as: UTF8.self) + "x", rounds: rounds))
            default: return .bytesThenClose(M.error("28P01"))
            }
        }
    }

    private static func refusal(_ code: String) -> @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer {
        first(.bytesThenClose(M.error(code)))
    }

    private static let foreign = Expected(.inconclusive, .protocol, "not_postgresql")
    private static let unsupported = Expected(.inconclusive, .auth, "unsupported_authentication")
    private static let flooded = Expected(.inconclusive, .protocol, "answer_too_large")

    static let cases = refusals + hostile

    private static let refusals: [Case] = [
        Case("a wrong password", rejected("28P01"), refusal("28P01")),
        Case("a role that may not come in", rejected("28000"), refusal("28000")),
        Case("a wrong password in SCRAM", rejected("28P01"), challenge(rounds: "4096")),
        Case("no such database", Expected(.invalid, .protocol, "database_not_found", code: "3D000"), refusal("3D000")),
        Case("may not connect", Expected(.invalid, .scope, "permission_denied", code: "42501"), refusal("42501")),
        Case("too many", Expected(.inconclusive, .protocol, "rate_limited", code: "53300"), refusal("53300")),
        Case("starting up", Expected(.inconclusive, .protocol, "provider_error", code: "57P03"), refusal("57P03")),
        Case(
            "a code of its own", Expected(.inconclusive, .protocol, "provider_error", code: "XX000"), refusal("XX000")),
        Case("a code that is none", unsupported, refusal("no code")),
        Case(
            "the question is refused", Expected(.invalid, .scope, "permission_denied", code: "42501"),
            welcome(.bytes(M.error("42501") + M.idle))),
        Case(
            "no TLS where it must be", Expected(.invalid, .tls, "tls_not_offered"), parameters: "sslmode=require",
            first(.silence)),
        Case(
            "no TLS where it should be verified", Expected(.invalid, .tls, "tls_not_offered"),
            parameters: "sslmode=verify-full", first(.silence)),
    ]

    static let certificateCases = [
        CertificateCase(certificate: .good, mode: "verify-full"),
        CertificateCase(certificate: .good, mode: "verify-ca"),
        CertificateCase(certificate: .wrongHost, mode: "verify-ca"),
        CertificateCase(certificate: .selfSigned, mode: "require", isTrusted: false),
        CertificateCase(certificate: .selfSigned, mode: "prefer", isTrusted: false),
        CertificateCase(certificate: .expired, mode: "require", ends: "2021-01-01T00:00:00Z"),
        CertificateCase(
            certificate: .good, mode: "verify-full", isTrusted: false,
            expected: Expected(.inconclusive, .tls, "tls_failed")),
        CertificateCase(
            certificate: .good, mode: "verify-ca", isTrusted: false,
            expected: Expected(.inconclusive, .tls, "tls_failed")),
        CertificateCase(
            certificate: .wrongHost, mode: "verify-full",
            expected: Expected(.invalid, .tls, "certificate_wrong_host")),
        CertificateCase(
            certificate: .selfSigned, mode: "verify-ca", expected: Expected(.invalid, .tls, "certificate_self_signed")),
        CertificateCase(
            certificate: .selfSigned, mode: "verify-full",
            expected: Expected(.invalid, .tls, "certificate_self_signed")),
        CertificateCase(
            certificate: .expired, mode: "verify-ca", expected: Expected(.invalid, .tls, "certificate_expired"),
            ends: "2021-01-01T00:00:00Z"),
        CertificateCase(
            certificate: .expired, mode: "verify-full", isTrusted: false,
            expected: Expected(.invalid, .tls, "certificate_expired"), ends: "2021-01-01T00:00:00Z"),
    ]

    private static func rejected(_ code: String) -> Expected {
        Expected(.invalid, .auth, "credential_rejected", code: code)
    }

    private static let hostile: [Case] = [
        Case("a million rounds and more", unsupported, challenge(rounds: "2147483647")),
        Case(
            "a million rounds and more, in TLS", unsupported, tls: .real(.good), parameters: "sslmode=require",
            challenge(rounds: "2147483647")),
        Case(
            "Kerberos in TLS", unsupported, tls: .real(.good), parameters: "sslmode=require",
            first(.bytes(M.request(7)))),
        Case(
            "a notice of two gigabytes, in TLS", flooded, tls: .real(.good),
            first(.flood(M.request(0) + [UInt8(ascii: "N"), 0x71, 0, 0, 0], chunk: zeros))),
        Case("Kerberos", unsupported, first(.bytes(M.request(7)))),
        Case("a notice without an end", flooded, welcome(.flood(M.message("N", []), chunk: notices))),
        Case(
            "a notice of two gigabytes", flooded,
            first(.flood(M.request(0) + [UInt8(ascii: "N"), 0x71, 0, 0, 0], chunk: zeros))),
        Case("rows without an end", flooded, welcome(.flood(rowHead, chunk: rows))),
        Case(
            "settings without an end", flooded, first(.flood(M.request(0), chunk: settings))),
        Case("copying", .unexpected, welcome(.bytes(M.message("G", [0, 0, 1, 0, 0])))),
        Case("no row", .unexpected, welcome(.bytes(M.complete("BEGIN") + M.idle))),
        Case("two columns too few", .unexpected, welcome(.bytes(M.row(["u"])))),
        Case("a name with a line in it", .unexpected, welcome(.bytes(M.row(["u\nx", "d"])))),
        Case(
            "a name that is too long", .unexpected, welcome(.bytes(M.row([String(repeating: "u", count: 300), "d"])))),
        Case(
            "farewell", Expected(.inconclusive, .auth, "connection_lost", unreachable: true), first(.bytesThenClose([]))
        ),
        Case(
            "farewell instead of an answer", Expected(.inconclusive, .protocol, "connection_lost", unreachable: true),
            welcome(.bytesThenClose([]))),
        Case("HTTP", foreign, first(.bytesThenClose(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)))),
        Case(
            "HTTP when asked for TLS", foreign, tls: .bytes(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
            first(.silence)),
        Case("SSH when asked for TLS", foreign, tls: .bytes(Array("SSH-2.0-OpenSSH\r\n".utf8)), first(.silence)),
        Case("an error when asked for TLS", .unexpected, tls: .bytes(Array("Esorry\n\0".utf8)), first(.silence)),
        Case(
            "a handshake that is none", Expected(.inconclusive, .tls, "tls_failed"),
            tls: .pretence(Array("nothing like it".utf8)),
            parameters: "sslmode=require", first(.silence)),
        Case(
            "a certificate that is none", Expected(.inconclusive, .tls, "tls_failed"),
            tls: .pretence(Array("nothing like it".utf8)),
            parameters: "sslmode=verify-full", first(.silence)),
        Case(
            "hangs", Expected(.inconclusive, .auth, "timed_out", unreachable: true), limits: impatient,
            first(.silence)),
        Case(
            "hangs with the question", Expected(.inconclusive, .protocol, "timed_out", unreachable: true),
            limits: impatient, welcome(.silence)),
        Case(
            "a message that never ends", Expected(.inconclusive, .auth, "timed_out", unreachable: true),
            limits: impatient, first(.bytes([UInt8(ascii: "R"), 0, 0]))),
    ]

    /// Others may be before it on the few threads there are.
    private static let impatient = ProbeLimits(request: .seconds(1), full: .seconds(1), brief: .seconds(1))

    private static let zeros = [UInt8](repeating: 0, count: 65_536)
    private static let notices = Array(
        repeatElement(M.message("N", Array("SNOTICE\0C00000\0Mx\0\0".utf8)), count: 1_000).joined())
    private static let settings = Array(
        (0..<4_000).map { M.message("S", Array("name\($0)\0x\0".utf8)) }.joined())
    private static let rowHead = M.message(
        "T", [0, 1] + Array("x\0".utf8) + M.number(0) + [0, 0] + M.number(25) + [0xFF, 0xFF] + M.number(-1) + [0, 0])
    private static let rows = Array(
        repeatElement(
            M.message("D", [0, 1] + M.number(1_000) + [UInt8](repeating: 0x78, count: 1_000)), count: 60
        ).joined())
}
