import CPostgreSQL
import Connections
import Egress

/// Logs in to a PostgreSQL server and asks it who we are there.
struct PostgreSQLProbe: Sendable {
    private let egress: Egress
    private let now: @Sendable () -> Timestamp
    private let limits: ProbeLimits
    private let roots: PostgresRoots

    /// Of one name, as many as the door tries.
    private static let maxAddresses = 3
    /// While there is another address to try.
    private static let connectTimeout = Duration.seconds(5)

    init(
        egress: Egress, now: @escaping @Sendable () -> Timestamp, limits: ProbeLimits = ProbeLimits()
    ) {
        self.egress = egress
        self.now = now
        self.limits = limits
        roots = PostgresRoots(extraFile: egress.extraRootsFile)
    }

    func report(on target: ProbeTarget) async -> ProbeReport {
        await Examination.run(target, egress: egress, now: now, limits: limits) { examination throws(Decision) in
            let login = try Self.login(examination)
            let addresses = try await addresses(of: login, &examination)
            let finding = await talk(login, addresses.prefix(Self.maxAddresses), within: examination.timeLeft)
            guard let finding else { throw examination.failed(.overloaded) }
            for step in finding.passed { examination.passed(step.layer, milliseconds: step.milliseconds) }
            let host = login.tlsMode == .verifyCA ? nil : login.host
            let certificate = PeerCertificate(der: finding.certificate, host: host, isTrusted: false)
            examination.certificateExpiresAt = certificate?.notAfter
            switch finding.ending {
            case .failed(let layer, let cause):
                throw examination.decided(
                    cause, at: layer, milliseconds: finding.milliseconds, certificate: certificate)
            case .looked: throw examination.failed(.closed)
            case .answered(let user, let database):
                // Names that we gave ourselves tell nothing of the password, however alike they are.
                let news = (user == login.user ? "" : user) + "@" + (database == login.database ? "" : database)
                if login.password.map(SecretEcho(news).repeats) != true {
                    examination.account = ProbedAccount(
                        integration: target.integration, [login.host, "\(login.port)", database, user],
                        label: "\(user)@\(database)")
                }
                return examination.verified()
            }
        }
    }

    private static func login(_ examination: Examination) throws(Decision) -> PostgresLogin {
        do {
            return try PostgresLogin(data: examination.target.data, config: examination.target.config)
        } catch {
            switch error {
            case .malformed: throw examination.decided(.invalid, at: .protocol, .malformedConnectionString)
            case .unsupported: throw examination.decided(.invalid, at: .protocol, .unsupportedParameter)
            case .incomplete: throw examination.undecided(.incompleteConfig)
            }
        }
    }

    private func addresses(
        of login: PostgresLogin, _ examination: inout Examination
    ) async throws(Decision) -> [IPAddress] {
        let start = ContinuousClock.now
        func elapsed() -> Int { Int((ContinuousClock.now - start) / .milliseconds(1)) }
        do {
            let addresses = try await egress.addresses(
                of: login.host, port: login.port, purpose: .probe, timeout: examination.timeLeft)
            if IPAddress(login.host) == nil { examination.passed(.dns, milliseconds: elapsed()) }
            return addresses
        } catch {
            throw examination.failed(error, at: .dns, milliseconds: elapsed())
        }
    }

    /// `nil` when too many wait already.
    private func talk(
        _ login: PostgresLogin, _ addresses: ArraySlice<IPAddress>, within time: Duration
    ) async -> PostgresFinding? {
        let watch = PostgresWatch(until: .now + time) { patchbay_bytes_received($0) }
        watch.begin()
        defer { watch.end() }
        return await withTaskCancellationHandler {
            await PostgresThreads.shared.run {
                // Whoever waited in vain learned nothing of the host.
                watch.interruption == nil ? Self.talk(login, addresses, watch, roots) : nil
            } ?? nil
        } onCancel: {
            watch.cancel()
        }
    }

    // MARK: On a thread that may block

    /// Tries one address after the other until a connection stands.
    private static func talk(
        _ login: PostgresLogin, _ addresses: ArraySlice<IPAddress>, _ watch: PostgresWatch, _ roots: PostgresRoots
    ) -> PostgresFinding {
        var finding = PostgresFinding(ending: .failed(.connect, .unreachable))
        for (index, address) in addresses.enumerated() {
            let timeout = index + 1 < addresses.count ? connectTimeout : watch.timeLeft
            finding = talk(login, roots) { tls, stopsBeforeLogin in
                PostgresSession.run(
                    login, at: address, tls, watch, connectTimeout: timeout, stopsBeforeLogin: stopsBeforeLogin)
            }
            guard case .failed(.connect, .unreachable) = finding.ending else {
                guard case .failed(.connect, .timedOut) = finding.ending, watch.interruption == nil else {
                    return finding
                }
                continue
            }
        }
        return finding
    }

    /// At one address, with and without TLS as the mode has it. Where libpq would try again on any error, it is done only where
    /// it can make a difference: a wrong password is not sent twice.
    private static func talk(
        _ login: PostgresLogin, _ roots: PostgresRoots,
        _ attempt: (PostgresParameters.TLS, _ stopsBeforeLogin: Bool) -> PostgresFinding
    ) -> PostgresFinding {
        let noRoots = PostgresParameters.noFile
        switch login.tlsMode {
        case .disable: return attempt(.none, false)
        case .require: return attempt(.unverified, false)
        case .allow:
            let first = attempt(.none, false)
            return first.cause == .refused("28000") ? first.unless(attempt(.unverified, false)) : first
        case .prefer:
            let first = attempt(.unverified, false)
            switch first.cause {
            case .tlsNotOffered, .tlsFailed: return attempt(.none, false)
            case .refused("28000"): return first.unless(attempt(.none, false))
            default: return first
            }
        case .verifyCA, .verifyFull:
            let path = roots.path ?? noRoots
            var finding = attempt(login.tlsMode == .verifyCA ? .authority(roots: path) : .full(roots: path), false)
            if finding.cause == .tlsFailed { finding.certificate = attempt(.unverified, true).certificate }
            return finding
        }
    }
}

extension PostgresFinding {
    /// The other one, where that came further.
    fileprivate func unless(_ other: PostgresFinding) -> PostgresFinding {
        if case .answered = other.ending { return other }
        if case .refused(let code) = other.cause, code != "28000" { return other }
        return self
    }
}

extension Examination {
    fileprivate func decided(
        _ cause: PostgresFinding.Cause, at layer: CheckLayer, milliseconds: Int, certificate: PeerCertificate?
    ) -> Decision {
        func failed(_ error: EgressError) -> Decision {
            self.failed(error, at: layer, milliseconds: milliseconds, certificate: certificate)
        }
        func decided(_ verdict: Verdict, _ layer: CheckLayer, _ reason: Reason) -> Decision {
            self.decided(verdict, at: layer, reason, milliseconds: milliseconds)
        }
        switch cause {
        case .unreachable: return failed(.connectFailed)
        case .timedOut: return failed(.timedOut)
        case .lost: return failed(.connectionLost)
        case .cancelled: return failed(.closed)
        case .flooded: return failed(.responseTooLarge)
        case .tlsFailed: return failed(.tlsFailed)
        case .tlsNotOffered: return decided(.invalid, .tls, .tlsNotOffered)
        case .notPostgreSQL: return decided(.inconclusive, .protocol, .notPostgreSQL)
        case .unsupportedAuthentication: return decided(.inconclusive, .auth, .unsupportedAuthentication)
        case .passwordMissing: return decided(.invalid, .auth, .credentialRejected)
        case .unexpected: return decided(.inconclusive, .protocol, .unexpectedAnswer)
        case .refused(let code): return refused(code, milliseconds: milliseconds)
        }
    }

    private func refused(_ code: String, milliseconds: Int) -> Decision {
        var known = self
        func decided(_ verdict: Verdict, _ layer: CheckLayer, _ reason: Reason) -> Decision {
            known.decided(verdict, at: layer, reason, milliseconds: milliseconds, providerCode: code)
        }
        switch code {
        case _ where code.hasPrefix("28"): return decided(.invalid, .auth, .credentialRejected)
        // Both are found out after the login.
        case "3D000":
            known.passed(.auth)
            return decided(.invalid, .protocol, .databaseNotFound)
        case "42501":
            known.passed(.auth)
            return decided(.invalid, .scope, .mayNotConnect)
        case "53300": return decided(.inconclusive, .protocol, .rateLimited)
        default: return decided(.inconclusive, .protocol, .providerError)
        }
    }
}
