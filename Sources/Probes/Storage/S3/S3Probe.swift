import Connections
import Egress
import LosslessJSON

/// Asks for the bucket, and for one key in it, with signed requests.
struct S3Probe: Sendable {
    private let egress: Egress
    private let now: @Sendable () -> Timestamp
    private let limits: ProbeLimits

    private static let listing = [(name: "list-type", value: "2"), (name: "max-keys", value: "1")]

    init(
        egress: Egress, now: @escaping @Sendable () -> Timestamp, limits: ProbeLimits = ProbeLimits()
    ) {
        self.egress = egress
        self.now = now
        self.limits = limits
    }

    func report(on target: ProbeTarget) async -> ProbeReport {
        await Examination.run(target, egress: egress, now: now, limits: limits) { examination throws(Decision) in
            guard let bucket = S3Bucket(target.config) else { throw examination.undecided(.incompleteConfig) }
            guard let credential = S3Credential(target.data) else {
                throw examination.decided(.invalid, at: .auth, .malformedCredential)
            }
            func send(_ method: String, _ query: [(name: String, value: String)]) async throws(Decision)
                -> EgressResponse
            {
                try await examination.send(credential.request(method, bucket, query: query, at: now()))
            }
            try await examination.look(at: bucket.url())
            // An answer to HEAD has no body: what went wrong, and whether it was a store that said yes, the listing tells.
            if target.depth == .full { _ = try await send("HEAD", []) }
            let answer = try await send("GET", Self.listing)
            guard answer.status == 200 else { throw Self.decision(on: answer, of: bucket, examination) }
            guard answer.body.firstRange(of: Array("<ListBucketResult".utf8)) != nil else {
                throw examination.decided(.inconclusive, at: .protocol, .unexpectedAnswer)
            }
            for layer in [CheckLayer.auth, .scope, .protocol] { examination.passed(layer) }
            examination.account = ProbedAccount(
                integration: target.integration, [bucket.origin + bucket.path], label: bucket.name)
            return examination.verified()
        }
    }

    /// What the refusal of a listing means: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    private static func decision(
        on answer: EgressResponse, of bucket: S3Bucket, _ examination: Examination
    ) -> Decision {
        let error = StorageError(answer.body)
        let code = error?.code.flatMap { examination.showable($0) }
        func decided(_ verdict: Verdict, _ layer: CheckLayer, _ reason: Reason, isGrantGone: Bool = false) -> Decision {
            examination.decided(verdict, at: layer, reason, providerCode: code, isGrantGone: isGrantGone)
        }
        switch code {
        case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidSecurity", "TokenRefreshRequired",
            "InvalidClientTokenId", "UnrecognizedClientException":
            return decided(.invalid, .auth, .credentialRejected)
        case "ExpiredToken":
            return decided(.invalid, .auth, .expiredCredential, isGrantGone: true)
        case "RequestTimeTooSkewed": return decided(.inconclusive, .auth, .clockSkew)
        case "AccessDenied", "AllAccessDisabled", "AccountProblem", "NotSignedUp":
            var examination = examination
            examination.passed(.auth)
            return examination.decided(.invalid, at: .scope, .mayNotList, providerCode: code)
        case "NoSuchBucket", "InvalidBucketName": return decided(.invalid, .protocol, .bucketNotFound)
        case "SlowDown": return decided(.inconclusive, .http, .rateLimited)
        default: break
        }
        let region = answer.header("x-amz-bucket-region").flatMap { S3Bucket.isRegion($0) ? $0 : nil } ?? error?.region
        if [301, 307, 400].contains(answer.status), let region, region != bucket.region,
            !examination.repeatsSecret(region)
        {
            return decided(.invalid, .protocol, .wrongRegion(region))
        }
        switch answer.status {
        case 429: return decided(.inconclusive, .http, .rateLimited)
        case 500...: return decided(.inconclusive, .http, .providerError)
        default: return decided(.inconclusive, .protocol, .unexpectedAnswer)
        }
    }
}

/// An access key that can be put into headers.
private struct S3Credential {
    let accessKeyID: String
    let secretAccessKey: String
    let sessionToken: String?

    init?(_ data: JSONObject) {
        guard let id = data.text(at: "access_key_id"), let secret = data.text(at: "secret_access_key") else {
            return nil
        }
        let token = data.text(at: "session_token").flatMap { $0.isEmpty ? nil : $0 }
        guard !id.isEmpty, !secret.isEmpty, [id, token ?? ""].allSatisfy({ $0.utf8.allSatisfy(Self.isVisible) }) else {
            return nil
        }
        (accessKeyID, secretAccessKey, sessionToken) = (id, secret, token)
    }

    func request(
        _ method: String, _ bucket: S3Bucket, query: [(name: String, value: String)], at time: Timestamp
    ) -> EgressRequest {
        let emptyDigest = Signature4.digest([])
        var headers = [
            (name: "host", value: bucket.host), (name: "x-amz-content-sha256", value: emptyDigest),
            (name: "x-amz-date", value: Signature4.basicFormat(time)),
        ]
        if let sessionToken { headers.append((name: "x-amz-security-token", value: sessionToken)) }
        let signature = Signature4(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, region: bucket.region)
        let content = Signature4.Content(method: method, path: bucket.path, query: query, headers: headers)
        headers.append((name: "Authorization", value: signature.authorization(of: content, at: time)))
        return EgressRequest(
            purpose: .probe, method: method, url: bucket.url(query: query), headers: headers,
            maxResponseSize: 256 << 10, sensitiveHeaders: ["x-amz-security-token"])
    }

    private static func isVisible(_ byte: UInt8) -> Bool { (0x21...0x7E).contains(byte) }
}
