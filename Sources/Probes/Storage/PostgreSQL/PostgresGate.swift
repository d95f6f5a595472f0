/// Reads what a server sends before it is known who it is, ahead of libpq, and lets through what may be answered.
///
/// libpq computes as many rounds of PBKDF2 as a server asks for, without an end that anybody could set and without a way to
/// stop it, and it would look for tickets of Kerberos. An honest server sends one request at a time and waits, so whatever
/// follows a request unasked is refused, too: it could not have been read ahead.
struct PostgresGate: Sendable {
    enum Answer: Equatable {
        case proceed
        /// The message is not here as a whole.
        case wait
        case refuse(Refusal)
    }

    enum Refusal: Equatable {
        case notPostgreSQL
        /// Anything but a password, or a password at an absurd price.
        case authentication
    }

    private enum Progress { case none, offered, challenged, done }

    private var progress = Progress.none
    private let passwordLength: Int

    /// Rounds with a password of up to 63 bytes; a longer one is hashed anew in each. PostgreSQL asks for 4,096.
    private static let maxRounds = 1_000_000

    init(passwordLength: Int) {
        self.passwordLength = passwordLength
    }

    /// - Parameter bytes: what can be seen, which begins with a message.
    mutating func look(at bytes: [UInt8]) -> Answer {
        guard progress != .done else { return .proceed }
        var rest = bytes[...]
        var isFirst = true
        while !rest.isEmpty {
            switch rest.first {
            case UInt8(ascii: "R"): break
            // An error ends it; libpq knows both its forms and bounds them.
            case UInt8(ascii: "E"): return .proceed
            case UInt8(ascii: "v"): break
            default: return .refuse(.notPostgreSQL)
            }
            guard let length = Self.number(rest.dropFirst()) else { return isFirst ? .wait : .refuse(.notPostgreSQL) }
            guard (8...2_000).contains(length) else { return .refuse(.notPostgreSQL) }
            guard rest.count > length else { return isFirst ? .wait : .refuse(.notPostgreSQL) }
            let message = rest.prefix(length + 1)
            rest = rest.dropFirst(length + 1)
            isFirst = false
            guard message.first == UInt8(ascii: "R") else { continue }
            switch look(atRequest: message.dropFirst(5)) {
            case .passed: return .proceed
            case .answer: return rest.isEmpty ? .proceed : .refuse(.notPostgreSQL)
            case .refuse: return .refuse(.authentication)
            }
        }
        return isFirst ? .wait : .proceed
    }

    private enum Step { case passed, answer, refuse }

    /// Authentication requests: https://www.postgresql.org/docs/current/protocol-message-formats.html
    private mutating func look(atRequest request: ArraySlice<UInt8>) -> Step {
        switch (Self.number(request), progress) {
        case (0, _), (12, .challenged):
            progress = .done
            return .passed
        // The password, or its MD5 hash.
        case (3, .none), (5, .none): return .answer
        case (10, .none):
            progress = .offered
            return .answer
        case (11, .offered):
            guard let rounds = Self.rounds(request.dropFirst(4)),
                rounds <= Self.maxRounds / (passwordLength / 64 + 1)
            else { return .refuse }
            progress = .challenged
            return .answer
        default: return .refuse
        }
    }

    /// Of `r=nonce,s=salt,i=rounds` (RFC 5802, 7).
    private static func rounds(_ challenge: ArraySlice<UInt8>) -> Int? {
        let parts = challenge.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[2].starts(with: Array("i=".utf8)) else { return nil }
        let digits = parts[2].dropFirst(2)
        guard (1...7).contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
}
