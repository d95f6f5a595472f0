import Connections

@testable import Probes

extension StorageS3ProbeTests {
    private static func rejected(_ code: String) -> Expected {
        Expected(.invalid, .auth, "credential_rejected", code: code)
    }

    private static func denied(_ code: String) -> Expected {
        Expected(.invalid, .scope, "permission_denied", code: code)
    }

    private static let elsewhere = Expected(.invalid, .protocol, "wrong_region", code: "AuthorizationHeaderMalformed")

    static let cases: [Case] =
        byCode + byRegion + [
            Case("a listing", Expected(.valid, .protocol, "verified")) { _ in .http(200, [], "<ListBucketResult/>") },
            Case("may look and not list", denied("AccessDenied")) { isListing in
                isListing ? .http(403, [], error("AccessDenied")) : .http(200)
            },
            Case("may list and not look", Expected(.valid, .protocol, "verified")) { isListing in
                isListing ? .http(200, [], "<?xml version='1.0'?><ListBucketResult/>") : .http(403)
            },
            Case("a page", .unexpected) { _ in .html(200) },
            Case("a list of buckets", .unexpected) { _ in .http(200, [], "<ListAllMyBucketsResult/>") },
            Case("403 with a page", .unexpected) { _ in .html(403) },
            Case("404 with a page", .unexpected) { _ in .html(404) },
            Case("404 with nothing", .unexpected) { _ in .http(404) },
            Case("401", .unexpected) { _ in .http(401) },
            Case("301 with nothing", .unexpected) { _ in .http(301, [("Location", "https://elsewhere.example.test/")])
            },
            Case("429", .limited) { _ in .http(429) },
            Case("500", .broken) { _ in .html(500) },
            Case("502", .broken) { _ in .http(502) },
            Case("a code that is none", .unexpected) { _ in .http(403, [], error("Access Denied!")) },
            Case("more than there can be", Expected(.inconclusive, .protocol, "answer_too_large")) { isListing in
                isListing ? .http(200, [], String(repeating: "<ListBucketResult/>", count: 60_000)) : .http(200)
            },
            Case(
                "breaks off", Expected(.inconclusive, .http, "connection_lost", unreachable: true)
            ) { _ in .reset },
            Case(
                "hangs", Expected(.inconclusive, .http, "timed_out", unreachable: true), limits: Lab.impatient
            ) { _ in .silence },
            Case("something else", Expected(.inconclusive, .http, "not_http")) { _ in
                .bytesThenClose(Array("SSH-2.0-OpenSSH\r\n".utf8))
            },
        ]

    private static let byCode = [
        Case(403, "InvalidAccessKeyId", rejected("InvalidAccessKeyId")),
        Case(403, "SignatureDoesNotMatch", rejected("SignatureDoesNotMatch")),
        Case(400, "InvalidToken", rejected("InvalidToken")),
        Case(403, "InvalidSecurity", rejected("InvalidSecurity")),
        Case(400, "ExpiredToken", Expected(.invalid, .auth, "credential_expired", code: "ExpiredToken", gone: true)),
        Case(
            403, "RequestTimeTooSkewed", Expected(.inconclusive, .auth, "clock_skew", code: "RequestTimeTooSkewed")),
        Case(403, "AccessDenied", denied("AccessDenied")),
        Case(403, "AllAccessDisabled", denied("AllAccessDisabled")),
        Case(404, "NoSuchBucket", Expected(.invalid, .protocol, "bucket_not_found", code: "NoSuchBucket")),
        Case(400, "InvalidBucketName", Expected(.invalid, .protocol, "bucket_not_found", code: "InvalidBucketName")),
        Case(503, "SlowDown", Expected(.inconclusive, .http, "rate_limited", code: "SlowDown")),
        Case(
            503, "ServiceUnavailable", Expected(.inconclusive, .http, "provider_error", code: "ServiceUnavailable")),
        Case(500, "InternalError", Expected(.inconclusive, .http, "provider_error", code: "InternalError")),
        Case(
            405, "MethodNotAllowed", Expected(.inconclusive, .protocol, "unexpected_answer", code: "MethodNotAllowed")),
    ]

    private static let byRegion = [
        Case(
            301, "PermanentRedirect", Expected(.invalid, .protocol, "wrong_region", code: "PermanentRedirect"),
            says: "us-west-2", headers: [("x-amz-bucket-region", "us-west-2")]),
        Case(
            400, "AuthorizationHeaderMalformed", elsewhere, says: "us-west-2",
            headers: [("x-amz-bucket-region", "us-west-2")]),
        Case(
            400, "AuthorizationHeaderMalformed", elsewhere, says: "us-west-2", more: "<Region>us-west-2</Region>"),
        // Its own word is kept only where it can be a region, and another one than ours.
        Case(
            400, "AuthorizationHeaderMalformed",
            Expected(.inconclusive, .protocol, "unexpected_answer", code: "AuthorizationHeaderMalformed"),
            headers: [("x-amz-bucket-region", "Call canary 555")]),
        Case(
            400, "AuthorizationHeaderMalformed",
            Expected(.inconclusive, .protocol, "unexpected_answer", code: "AuthorizationHeaderMalformed"),
            more: "<Region>eu-west-1</Region>"),
    ]
}
