import NIOCore
import NIOSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Servers that speak TLS as `api.example.test` and as 127.0.0.1, well and badly. They were made for a hundred years by an
/// authority that only tests trust and whose key was thrown away, except the one that expired.
enum Certificates: String, CaseIterable, Sendable {
    case good, expired, wrongHost, selfSigned

    /// Adds TLS to a connection that a server accepted.
    var server: @Sendable (any Channel) throws -> Void {
        get throws {
            let configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(Self.key.utf8), format: .pem)))
            let context = try NIOSSLContext(configuration: configuration)
            return { channel in
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
            }
        }
    }

    /// The path of a file with the authority's certificate, for as long as `body` runs.
    static func withRoots<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let url = FileManager.default.temporaryDirectory.appending(path: "probes-\(UUID().uuidString).pem")
        try Data(authority.utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try await body(url.path)
    }

    private var pem: String {
        switch self {
        case .good: Self.goodPEM
        case .expired: Self.expiredPEM
        case .wrongHost: Self.wrongHostPEM
        case .selfSigned: Self.selfSignedPEM
        }
    }

    private static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBizCCATCgAwIBAgIUfrp/91oiGR06jFfJ+Gbdh0Vin9MwCgYIKoZIzj0EAwIw
        IjEgMB4GA1UEAwwXUGF0Y2hiYXkgdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAw
        MDAwWhgPMjExOTEyMDgwMDAwMDBaMCIxIDAeBgNVBAMMF1BhdGNoYmF5IHRlc3Qg
        YXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+QrTcs86sbe2LQBu
        di+KuEmr+hhKea+dYKNkB5DDBxIdUXfwOSnf0PUU19f4pMEOtjA1EcQ5eLjuKFEm
        6VxLeaNCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0O
        BBYEFDc8xnaowNt1FVGbQ+vhxHVnYH58MAoGCCqGSM49BAMCA0kAMEYCIQCEcP7G
        5nC8n3+Uec5h83u7wp/1fZEFo+3NKGItEhrOcAIhAK1tEJM9kuWqKZ/coC8tI7/O
        kEorr195BRK8oTN0VnsF
        -----END CERTIFICATE-----
        """

    private static let goodPEM = """
        -----BEGIN CERTIFICATE-----
        MIIBiTCCAS+gAwIBAgIUc8C9hfmZjS97Fu9G45iaRRIsQ5QwCgYIKoZIzj0EAwIw
        IjEgMB4GA1UEAwwXUGF0Y2hiYXkgdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAw
        MDAwWhgPMjExOTEyMDgwMDAwMDBaMBsxGTAXBgNVBAMMEGFwaS5leGFtcGxlLnRl
        c3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASCo3up2cZZ/lQ/7/GmkC4R9gF5
        rp65GZP/5XtFVr4oFdD/U0c+94S41PmRgiDjZgapOaZOUuORkjmzQSOocB+Xo0gw
        RjAhBgNVHREEGjAYghBhcGkuZXhhbXBsZS50ZXN0hwR/AAABMAwGA1UdEwEB/wQC
        MAAwEwYDVR0lBAwwCgYIKwYBBQUHAwEwCgYIKoZIzj0EAwIDSAAwRQIhAM/UHMw2
        GrlPEMbw4+dD2N2jcnyCCnCOyt8q5li3kMIgAiAtsCser+xIGAPq2MNiuVD77peT
        OXNWVtaZftuj/imTfQ==
        -----END CERTIFICATE-----
        """

    private static let expiredPEM = """
        -----BEGIN CERTIFICATE-----
        MIIBiDCCAS2gAwIBAgIUD762m5kU3pswAl0ctBuwThqWNqowCgYIKoZIzj0EAwIw
        IjEgMB4GA1UEAwwXUGF0Y2hiYXkgdGVzdCBhdXRob3JpdHkwHhcNMjAwMTAxMDAw
        MDAwWhcNMjEwMTAxMDAwMDAwWjAbMRkwFwYDVQQDDBBhcGkuZXhhbXBsZS50ZXN0
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgqN7qdnGWf5UP+/xppAuEfYBea6e
        uRmT/+V7RVa+KBXQ/1NHPveEuNT5kYIg42YGqTmmTlLjkZI5s0EjqHAfl6NIMEYw
        IQYDVR0RBBowGIIQYXBpLmV4YW1wbGUudGVzdIcEfwAAATAMBgNVHRMBAf8EAjAA
        MBMGA1UdJQQMMAoGCCsGAQUFBwMBMAoGCCqGSM49BAMCA0kAMEYCIQDG5nBy7c7b
        ub1TG0ylK5oePahsdK+6kbOBe+tLhwqr7wIhANHvjBVxEWDuou5PiEZcuWnB/0q7
        ei9kbOke1qQ/dCH9
        -----END CERTIFICATE-----
        """

    private static let wrongHostPEM = """
        -----BEGIN CERTIFICATE-----
        MIIBhTCCASugAwIBAgIURELTreB6FyqbfNrlOG/bg4F4eoowCgYIKoZIzj0EAwIw
        IjEgMB4GA1UEAwwXUGF0Y2hiYXkgdGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAw
        MDAwWhgPMjExOTEyMDgwMDAwMDBaMBsxGTAXBgNVBAMMEGFwaS5leGFtcGxlLnRl
        c3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASCo3up2cZZ/lQ/7/GmkC4R9gF5
        rp65GZP/5XtFVr4oFdD/U0c+94S41PmRgiDjZgapOaZOUuORkjmzQSOocB+Xo0Qw
        QjAdBgNVHREEFjAUghJvdGhlci5leGFtcGxlLnRlc3QwDAYDVR0TAQH/BAIwADAT
        BgNVHSUEDDAKBggrBgEFBQcDATAKBggqhkjOPQQDAgNIADBFAiEA/LOcFNaXWv8w
        8X/9rQ+KWHuQPjgTExDC9VE22vvVyUcCIFv2ynxz9Qz90X/P4b6wwgePcJTodCyl
        OI5c80zzRG4n
        -----END CERTIFICATE-----
        """

    private static let selfSignedPEM = """
        -----BEGIN CERTIFICATE-----
        MIIBgjCCASigAwIBAgIUC1TvQD6Khq/RmaEOpjpb8pkvtS4wCgYIKoZIzj0EAwIw
        GzEZMBcGA1UEAwwQYXBpLmV4YW1wbGUudGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8y
        MTE5MTIwODAwMDAwMFowGzEZMBcGA1UEAwwQYXBpLmV4YW1wbGUudGVzdDBZMBMG
        ByqGSM49AgEGCCqGSM49AwEHA0IABIKje6nZxln+VD/v8aaQLhH2AXmunrkZk//l
        e0VWvigV0P9TRz73hLjU+ZGCIONmBqk5pk5S45GSObNBI6hwH5ejSDBGMCEGA1Ud
        EQQaMBiCEGFwaS5leGFtcGxlLnRlc3SHBH8AAAEwDAYDVR0TAQH/BAIwADATBgNV
        HSUEDDAKBggrBgEFBQcDATAKBggqhkjOPQQDAgNIADBFAiA0TmBUBZLcjsgPPczP
        rBcgLGeTD9hPisy9plZZGaYRGgIhAL/up5OcFrI1WHZOaqDSYriInwq1IYyl8veC
        S7KYBFFz
        -----END CERTIFICATE-----
        """

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSK/qdRhDflSpL4No
        SKCuNZFhksaQDS5PGQ7CEiQZJOWhRANCAASCo3up2cZZ/lQ/7/GmkC4R9gF5rp65
        GZP/5XtFVr4oFdD/U0c+94S41PmRgiDjZgapOaZOUuORkjmzQSOocB+X
        -----END PRIVATE KEY-----
        """
}
