import Connections
import Egress
import LosslessJSON

/// Lists one blob of the container.
struct AzureBlobProbe: Sendable {
    private let egress: Egress
    private let now: @Sendable () -> Timestamp
    private let limits: ProbeLimits

    /// Enabled wherever a newer one is.
    static let version = "2025-05-05"
    private static let query = [
        (name: "restype", value: "container"), (name: "comp", value: "list"), (name: "maxresults", value: "1"),
    ]
    /// More than Azure lets a request be late.
    private static let maxSkew: Int64 = 15 * 60 * 1_000_000

    private enum Credential {
        case sharedKey(AzureSharedKey)
        case token(SharedAccessSignature)
    }

    init(
        egress: Egress, now: @escaping @Sendable () -> Timestamp, limits: ProbeLimits = ProbeLimits()
    ) {
        self.egress = egress
        self.now = now
        self.limits = limits
    }

    func report(on target: ProbeTarget) async -> ProbeReport {
        await Examination.run(target, egress: egress, now: now, limits: limits) { examination throws(Decision) in
            guard let container = AzureContainer(target.config) else { throw examination.undecided(.incompleteConfig) }
            guard let credential = Self.credential(target.data, of: container) else {
                throw examination.decided(.invalid, at: .auth, .malformedCredential)
            }
            if case .token(let token) = credential, token.isForOneBlob { throw examination.undecided(.nothingToTest) }
            try await examination.look(at: container.origin)
            let answer = try await examination.send(request(for: container, credential))
            guard answer.status == 200 else { throw decision(on: answer, credential, examination) }
            guard answer.body.firstRange(of: Array("<EnumerationResults".utf8)) != nil else {
                throw examination.decided(.inconclusive, at: .protocol, .unexpectedAnswer)
            }
            for layer in [CheckLayer.auth, .scope, .protocol] { examination.passed(layer) }
            examination.account = ProbedAccount(
                integration: target.integration, [container.origin + container.path],
                label: "\(container.account)/\(container.name)")
            return examination.verified()
        }
    }

    private static func credential(_ data: JSONObject, of container: AzureContainer) -> Credential? {
        if let key = data.text(at: "account_key") {
            return AzureSharedKey(account: container.account, key: key).map { .sharedKey($0) }
        }
        return data.text(at: "sas_token").flatMap { SharedAccessSignature($0) }.map { .token($0) }
    }

    private func request(for container: AzureContainer, _ credential: Credential) -> EgressRequest {
        var headers = [
            (name: "x-ms-date", value: HTTPDate.text(now())), (name: "x-ms-version", value: Self.version),
        ]
        var query = Self.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        switch credential {
        case .sharedKey(let key):
            let authorization = key.authorization(
                method: "GET", path: container.path, query: Self.query, headers: headers)
            headers.append((name: "Authorization", value: authorization))
        case .token(let token): query += "&\(token.text)"
        }
        return EgressRequest(
            purpose: .probe, url: "\(container.origin)\(container.path)?\(query)", headers: headers,
            maxResponseSize: 256 << 10)
    }

    /// What a refusal means: https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes
    private func decision(
        on answer: EgressResponse, _ credential: Credential, _ examination: Examination
    ) -> Decision {
        let error = StorageError(answer.body)
        let code = (answer.header("x-ms-error-code") ?? error?.code).flatMap { examination.showable($0) }
        func decided(_ verdict: Verdict, _ layer: CheckLayer, _ reason: Reason, isGrantGone: Bool = false) -> Decision {
            examination.decided(verdict, at: layer, reason, providerCode: code, isGrantGone: isGrantGone)
        }
        switch code {
        case "AuthenticationFailed":
            // One code for every reason; the others are told from a wrong key by what is known here.
            if case .token(let token) = credential, let end = token.expiresAt, end <= now() {
                return decided(.invalid, .auth, .expiredCredential, isGrantGone: true)
            }
            if let time = answer.header("date").flatMap(HTTPDate.time),
                abs(time.microseconds - now().microseconds) > Self.maxSkew
            {
                return decided(.inconclusive, .auth, .clockSkew)
            }
            return decided(.invalid, .auth, .credentialRejected)
        case "InvalidAuthenticationInfo", "NoAuthenticationInformation", "KeyBasedAuthenticationNotPermitted":
            return decided(.invalid, .auth, .credentialRejected)
        case "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationProtocolMismatch",
            "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch", "AuthorizationSourceIPMismatch",
            "InsufficientAccountPermissions", "AccountIsDisabled":
            var examination = examination
            examination.passed(.auth)
            return examination.decided(.invalid, at: .scope, .mayNotList, providerCode: code)
        case "ContainerNotFound", "InvalidResourceName": return decided(.invalid, .protocol, .containerNotFound)
        case "ServerBusy": return decided(.inconclusive, .http, .rateLimited)
        default: break
        }
        switch answer.status {
        case 429: return decided(.inconclusive, .http, .rateLimited)
        case 500...: return decided(.inconclusive, .http, .providerError)
        default: return decided(.inconclusive, .protocol, .unexpectedAnswer)
        }
    }
}
