import CPostgreSQL
import Connections

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One login at one address through libpq, on a thread that may block. Nothing of libpq's own words leaves it.
final class PostgresSession {
    private let connection: OpaquePointer
    private let watch: PostgresWatch
    private var gate: PostgresGate
    private var finding = PostgresFinding(ending: .looked)
    private var stepStart = ContinuousClock.now
    /// What the server said when it was asked for TLS.
    private var tlsReply: UInt8?
    private let usesTLS: Bool
    private let connectDeadline: ContinuousClock.Instant
    private var buffer = [UInt8](repeating: 0, count: 16_384)

    private static let maxResults = 8
    private static let maxNameLength: Int32 = 256
    private static let pause: Int32 = 5

    /// In a transaction of its own, since a setting of the session would outlive us in a pooler's connection.
    private static let question = """
        BEGIN READ ONLY; SET LOCAL statement_timeout = 5000; \
        SELECT current_user, current_database(), pg_is_in_recovery(); COMMIT
        """
    /// For what speaks the protocol and has not every function.
    private static let simplerQuestion = "ROLLBACK; SELECT current_user, current_database()"

    /// Runs to the end, or until `watch` ends it.
    /// - Parameter stopsBeforeLogin: the server gets neither user nor password.
    static func run(
        _ login: PostgresLogin, at address: IPAddress, _ tls: PostgresParameters.TLS, _ watch: PostgresWatch,
        connectTimeout: Duration, stopsBeforeLogin: Bool = false
    ) -> PostgresFinding {
        PostgresEnvironment.clear()
        let connection = PostgresParameters.list(login, at: address, tls).withCStrings { keywords, values in
            PQconnectStartParams(keywords, values, 0)
        }
        guard let connection else { return PostgresFinding(ending: .failed(.connect, .unreachable)) }
        let session = PostgresSession(
            connection, watch, PostgresGate(passwordLength: login.password?.utf8.count ?? 0),
            usesTLS: tls != .none, connectDeadline: .now + connectTimeout)
        defer {
            PQfinish(connection)
            watch.unfollow()
        }
        session.finding.ending = session.connect(stopsBeforeLogin: stopsBeforeLogin) ?? session.ask()
        session.finding.milliseconds = session.elapsed
        return session.finding
    }

    private init(
        _ connection: OpaquePointer, _ watch: PostgresWatch, _ gate: PostgresGate, usesTLS: Bool,
        connectDeadline: ContinuousClock.Instant
    ) {
        self.connection = connection
        self.watch = watch
        self.gate = gate
        self.usesTLS = usesTLS
        self.connectDeadline = connectDeadline
        // Errors that come while connecting are told as text only; this makes it their code.
        PQsetErrorVerbosity(connection, PQERRORS_SQLSTATE)
        // libpq would print what the server has to say.
        PQsetNoticeReceiver(connection, { _, _ in }, nil)
    }

    // MARK: Logging in

    /// Returns how it ended before the login was done.
    private func connect(stopsBeforeLogin: Bool) -> PostgresFinding.Ending? {
        guard PQstatus(connection) != CONNECTION_BAD else { return .failed(.connect, .unreachable) }
        var next = PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            let status = PQstatus(connection)
            watch.follow(PQsocket(connection))
            guard wait(for: next == PGRES_POLLING_READING ? POLLIN : POLLOUT, status) else {
                return .failed(layer(of: status), interruption ?? .timedOut)
            }
            if next == PGRES_POLLING_READING {
                switch lookAhead(status) {
                case .proceed: break
                case .wait:
                    poll(nil, 0, Self.pause)
                    continue
                case .refuse(.notPostgreSQL): return .failed(.protocol, .notPostgreSQL)
                case .refuse(.authentication): return .failed(.auth, .unsupportedAuthentication)
                }
            }
            next = PQconnectPoll(connection)
            if next == PGRES_POLLING_FAILED { return failure(after: status) }
            note(from: status, to: PQstatus(connection))
            if stopsBeforeLogin, PQsslInUse(connection) == 1, PQstatus(connection) == CONNECTION_MADE { return .looked }
        }
        if !finding.passed.contains(where: { $0.layer == .auth }) { passed(.auth) }
        return nil
    }

    /// What may be read now. In TLS, one record is seen, and libpq reads no more than that at once.
    private func lookAhead(_ status: ConnStatusType) -> PostgresGate.Answer {
        if status == CONNECTION_SSL_STARTUP {
            guard tlsReply == nil else { return .proceed }
            let count = patchbay_pq_peek(connection, &buffer, 2)
            if count > 0 { tlsReply = buffer[0] }
            // Who says yes waits for the handshake then. Others begin with that letter, too, as SSH does.
            return count == 2 && tlsReply == UInt8(ascii: "S") ? .refuse(.notPostgreSQL) : .proceed
        }
        guard status == CONNECTION_AWAITING_RESPONSE else { return .proceed }
        let isEncrypted = PQsslInUse(connection) == 1
        let count =
            isEncrypted
            ? patchbay_pq_peek_tls(connection, &buffer, Int32(buffer.count))
            : patchbay_pq_peek(connection, &buffer, Int32(buffer.count))
        // The end, an error, or in TLS a record that is not here as a whole: libpq finds out, and has nothing to read.
        guard count > 0 else { return .proceed }
        let answer = gate.look(at: Array(buffer.prefix(Int(count))))
        // The rest of it would come in the next record, which is not seen before this one is taken.
        return answer == .wait && isEncrypted ? .refuse(.notPostgreSQL) : answer
    }

    private func note(from earlier: ConnStatusType, to status: ConnStatusType) {
        guard status != earlier else { return }
        if earlier == CONNECTION_STARTED { passed(.connect) }
        if earlier == CONNECTION_SSL_STARTUP, status == CONNECTION_MADE, PQsslInUse(connection) == 1 {
            passed(.tls)
            let size = patchbay_pq_certificate(connection, &buffer, Int32(buffer.count))
            finding.certificate = Array(buffer.prefix(Int(max(0, size))))
        }
        if status == CONNECTION_AUTH_OK { passed(.auth) }
    }

    private func passed(_ layer: CheckLayer) {
        finding.passed.append((layer, elapsed))
        stepStart = .now
    }

    private var elapsed: Int { Int((ContinuousClock.now - stepStart) / .milliseconds(1)) }

    private func layer(of status: ConnStatusType) -> CheckLayer {
        switch status {
        case CONNECTION_NEEDED, CONNECTION_STARTED: .connect
        case CONNECTION_SSL_STARTUP: .tls
        case CONNECTION_MADE: usesTLS && PQsslInUse(connection) == 0 ? .tls : .auth
        case CONNECTION_AWAITING_RESPONSE: .auth
        default: .protocol
        }
    }

    private func failure(after status: ConnStatusType) -> PostgresFinding.Ending {
        let layer = layer(of: status)
        if let interruption { return .failed(layer, interruption) }
        if layer == .connect { return .failed(.connect, .unreachable) }
        if let code = stateInMessage { return .failed(layer == .tls ? .protocol : layer, .refused(code)) }
        if layer == .tls {
            switch tlsReply {
            case UInt8(ascii: "S"): return .failed(.tls, .tlsFailed)
            case UInt8(ascii: "N"): return .failed(.tls, .tlsNotOffered)
            // An error without a code, from before the third version of the protocol or from a server in trouble.
            case UInt8(ascii: "E"): return .failed(.protocol, .unexpected)
            case nil: return .failed(.tls, .lost)
            default: return .failed(.protocol, .notPostgreSQL)
            }
        }
        if PQconnectionNeedsPassword(connection) == 1 { return .failed(.auth, .passwordMissing) }
        // libpq lets go of a socket that was closed at the other end; otherwise it was libpq that gave up.
        if PQsocket(connection) < 0 { return .failed(layer, .lost) }
        return .failed(layer, layer == .auth ? .unsupportedAuthentication : .unexpected)
    }

    /// The code at the end of the last line, which is all that this verbosity leaves of a server's error.
    private var stateInMessage: String? {
        let message = String(cString: PQerrorMessage(connection))
        guard let line = message.split(separator: "\n").last, line.dropLast(5).hasSuffix(":  ") else { return nil }
        return Self.state(String(line.suffix(5)))
    }

    /// Five digits and capitals.
    private static func state(_ text: String) -> String? {
        let isState =
            text.utf8.count == 5
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
            }
        return isState ? text : nil
    }

    // MARK: Asking

    private func ask() -> PostgresFinding.Ending {
        stepStart = .now
        guard PQsetnonblocking(connection, 1) == 0 else { return .failed(.protocol, .unexpected) }
        var ending = ask(Self.question)
        // A function or a form of statement that is not known here.
        if case .failed(_, .refused("42883")) = ending { ending = ask(Self.simplerQuestion) }
        if case .failed(_, .refused("42601")) = ending { ending = ask(Self.simplerQuestion) }
        if case .failed(_, .refused("0A000")) = ending { ending = ask(Self.simplerQuestion) }
        if case .answered = ending { passed(.protocol) }
        return ending
    }

    private func ask(_ question: String) -> PostgresFinding.Ending {
        guard PQsendQuery(connection, question) == 1, flush() else { return .failed(.protocol, interruption ?? .lost) }
        var ending = PostgresFinding.Ending.failed(.protocol, .unexpected)
        for _ in 0..<Self.maxResults {
            while PQisBusy(connection) == 1 {
                guard wait(for: POLLIN), PQconsumeInput(connection) == 1 else {
                    return .failed(.protocol, interruption ?? .lost)
                }
            }
            guard let result = PQgetResult(connection) else { return ending }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK: break
            case PGRES_TUPLES_OK:
                if let user = Self.name(result, 0), let database = Self.name(result, 1) {
                    ending = .answered(user: user, database: database)
                }
            case PGRES_FATAL_ERROR:
                let code = PQresultErrorField(result, CInt(UInt8(ascii: "C"))).flatMap {
                    Self.state(String(cString: $0))
                }
                ending = .failed(.protocol, code.map { .refused($0) } ?? interruption ?? .lost)
            default: return .failed(.protocol, .unexpected)
            }
        }
        return .failed(.protocol, .unexpected)
    }

    private func flush() -> Bool {
        while true {
            switch PQflush(connection) {
            case 0: return true
            case 1:
                guard wait(for: POLLIN | POLLOUT), PQconsumeInput(connection) == 1 else { return false }
            default: return false
            }
        }
    }

    private static func name(_ result: OpaquePointer, _ column: Int32) -> String? {
        guard PQntuples(result) == 1, PQnfields(result) > column, PQgetisnull(result, 0, column) == 0,
            (1...maxNameLength).contains(PQgetlength(result, 0, column)), let value = PQgetvalue(result, 0, column)
        else { return nil }
        let text = String(cString: value)
        return text.unicodeScalars.contains { $0.properties.generalCategory == .control } ? nil : text
    }

    // MARK: Waiting

    private var interruption: PostgresFinding.Cause? {
        switch watch.interruption {
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .flooded: .flooded
        case nil: nil
        }
    }

    /// Returns whether the socket is ready, or broken; not when it took too long.
    private func wait(for events: Int32, _ status: ConnStatusType = CONNECTION_OK) -> Bool {
        while watch.interruption == nil {
            var left = watch.timeLeft
            if layer(of: status) == .connect {
                left = min(left, connectDeadline - .now)
                guard left > .zero else { return false }
            }
            var entry = pollfd(fd: PQsocket(connection), events: Int16(events), revents: 0)
            guard entry.fd >= 0 else { return true }
            let milliseconds = Int32(clamping: Int(left / .milliseconds(1)) + 1)
            if poll(&entry, 1, min(milliseconds, 1_000)) > 0 { return true }
        }
        return false
    }
}

extension [(name: String, value: String)] {
    /// As two arrays that end in a null pointer. The copies are wiped.
    fileprivate func withCStrings<Result>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Result?
    ) -> Result? {
        let names = map { strdup($0.name) }
        let values = map { strdup($0.value) }
        defer {
            for copy in names + values {
                guard let copy else { continue }
                explicit_bzero(copy, strlen(copy))
                free(copy)
            }
        }
        guard !(names + values).contains(nil) else { return nil }
        let keywords = names.map { UnsafePointer($0) } + [nil]
        return body(keywords, values.map { UnsafePointer($0) } + [nil])
    }
}
