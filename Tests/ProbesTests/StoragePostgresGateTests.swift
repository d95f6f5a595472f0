import Testing

@testable import Probes

@Suite struct StoragePostgresGateTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// What is seen at each look.
        let looks: [[UInt8]]
        let answer: PostgresGate.Answer
        var passwordLength = 8

        init(
            _ description: String, _ looks: [[UInt8]], _ answer: PostgresGate.Answer, passwordLength: Int = 8
        ) {
            testDescription = description
            self.looks = looks
            self.answer = answer
            self.passwordLength = passwordLength
        }
    }

    @Test(arguments: cases)
    func answers(_ given: Case) {
        var gate = PostgresGate(passwordLength: given.passwordLength)
        var answers: [PostgresGate.Answer] = []
        for bytes in given.looks { answers.append(gate.look(at: bytes)) }
        #expect(answers.last == given.answer)
        #expect(answers.dropLast().allSatisfy { $0 == .proceed || $0 == .wait })
    }

    private typealias M = PostgresMessage

    private static let offer = M.request(10, "SCRAM-SHA-256\0\0")
    private static let challenge = M.challenge(rounds: "4096")
    private static let refused = PostgresGate.Answer.refuse(.authentication)
    private static let foreign = PostgresGate.Answer.refuse(.notPostgreSQL)

    static let cases = [
        Case("trusted", [M.request(0)], .proceed),
        Case("trusted, and on", [M.request(0) + M.ready], .proceed),
        Case("a password", [M.request(3), M.request(0) + M.ready], .proceed),
        Case("a hash of it", [M.request(5, "salt"), M.request(0)], .proceed),
        Case("SCRAM", [offer, challenge, M.request(12, "v=x") + M.request(0) + M.ready], .proceed),
        Case(
            "the end of SCRAM in pieces", [offer, challenge, M.request(12, "v=x") + [0x52, 0], [0, 0, 8]], .proceed),
        Case("an error", [M.error("28P01")], .proceed),
        Case("an error in an old form", [Array("Esorry\n\0".utf8)], .proceed),
        Case("an error after the challenge", [offer, challenge, M.error("28P01")], .proceed),
        Case("what is known of the protocol", [M.message("v", [0, 3, 0, 0, 0, 0, 0, 0]) + M.request(0)], .proceed),
        Case("a million rounds", [offer, M.challenge(rounds: "1000000")], .proceed),
        Case(
            "many rounds with a long password", [offer, M.challenge(rounds: "20000")], .proceed, passwordLength: 3_000),

        Case("nothing", [[]], .wait),
        Case("a beginning", [[0x52]], .wait),
        Case("a head", [[0x52, 0, 0, 0, 8]], .wait),
        Case("a head and a part", [[0x52, 0, 0, 0, 8, 0, 0, 0]], .wait),
        Case("a challenge in part", [offer, Array(challenge.dropLast())], .wait),

        Case("two thousand million rounds", [offer, M.challenge(rounds: "2147483647")], refused),
        Case("a million and one", [offer, M.challenge(rounds: "1000001")], refused),
        Case("a million with a long password", [offer, M.challenge(rounds: "1000000")], refused, passwordLength: 64),
        Case("rounds with a sign", [offer, M.challenge(rounds: "+4096")], refused),
        Case("rounds after a space", [offer, M.challenge(rounds: " 4096")], refused),
        Case("no rounds", [offer, M.challenge(rounds: "")], refused),
        Case("rounds twice", [offer, M.request(11, "r=a,s=b,i=2147483647,i=1")], refused),
        Case("rounds elsewhere", [offer, M.request(11, "i=1,r=a,s=b,i=2147483647")], refused),
        Case("a challenge unasked", [challenge], refused),
        Case("a second challenge", [offer, challenge, challenge], refused),
        Case("a second offer", [offer, offer], refused),
        Case("a password in the midst of SCRAM", [offer, M.request(3)], refused),
        Case("an end before the challenge", [offer, M.request(12, "v=x")], refused),
        Case("Kerberos", [M.request(2)], refused),
        Case("GSS", [M.request(7)], refused),
        Case("more of GSS", [M.request(8, "x")], refused),
        Case("SSPI", [M.request(9)], refused),
        Case("something new", [M.request(13)], refused),
        Case("a password and then something new", [M.request(3), M.request(7)], refused),

        Case("an offer, and a challenge unasked", [offer + challenge], foreign),
        Case("a password, and more unasked", [M.request(3) + [0x52]], foreign),
        Case("a protocol, and half a request", [M.message("v", [0, 3, 0, 0, 0, 0, 0, 0]) + [0x52]], foreign),
        Case("HTTP", [Array("HTTP/1.1 400 Bad Request\r\n".utf8)], foreign),
        Case("SSH", [Array("SSH-2.0-OpenSSH\r\n".utf8)], foreign),
        Case("a notice", [M.message("N", [0, 0, 0, 0])], foreign),
        Case("a row", [M.message("D", [0, 0, 0, 0])], foreign),
        Case("a request that is too short", [[0x52, 0, 0, 0, 7, 0, 0, 0]], foreign),
        Case("a request that is too long", [[0x52, 0x7F, 0xFF, 0xFF, 0xFF]], foreign),
    ]
}
