import NIOCore
import NIOSSL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A server that speaks TLS as `api.example.test` and as 127.0.0.1, by an authority that only tests trust. They were made
/// for a hundred years, and the authority's key was thrown away.
enum Certificates {
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBrDCCAVGgAwIBAgIULW/4Zs3o7Dvv2OsnVf6l7HhkU24wCgYIKoZIzj0EAwIw
        IjEgMB4GA1UEAwwXUGF0Y2hiYXkgdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIzMTcz
        NjI2WhgPMjEyNjEwMzAxNzM2MjZaMCIxIDAeBgNVBAMMF1BhdGNoYmF5IHRlc3Qg
        YXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwYCYyhcVLU9QcKun
        VInKeVXODZx0QqYCT5h7LEjZ8plREzhkDkFs5cXgAimMltOS3dJOyPugZqS0Qgq3
        X8hpaKNjMGEwHQYDVR0OBBYEFHWoPoTVkGEooYPi23UDoAw0g8KBMB8GA1UdIwQY
        MBaAFHWoPoTVkGEooYPi23UDoAw0g8KBMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0P
        AQH/BAQDAgIEMAoGCCqGSM49BAMCA0kAMEYCIQDtRoQiio1lYNGfGrBvOzSIeHxp
        +d/0Zysc0aR5IYVTqAIhALBZ53lFHzQHvzlYKBJQOzp9QUSgXzPn7rN3JkUXjywl
        -----END CERTIFICATE-----
        """

    /// Adds TLS to a connection that a server accepted.
    static func server(heardName: @escaping @Sendable (String?) -> Void) throws
        -> @Sendable (any Channel) throws -> Void
    {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(leaf.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
        configuration.sslContextCallback = { values, promise in
            heardName(values.serverHostname)
            promise.succeed(.noChanges)
        }
        let context = try NIOSSLContext(configuration: configuration)
        return { channel in
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        }
    }

    /// Hands over the path of a file that holds the text, for as long as `body` runs.
    static func withFile<Result>(_ text: String, _ body: (String) async throws -> Result) async throws -> Result {
        let url = FileManager.default.temporaryDirectory.appending(path: "egress-\(UUID().uuidString).pem")
        try Data(text.utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try await body(url.path)
    }

    private static let leaf = """
        -----BEGIN CERTIFICATE-----
        MIIByDCCAW6gAwIBAgIUFaBVqzx2WTVxAflXPbHtEVvZIeMwCgYIKoZIzj0EAwIw
        IjEgMB4GA1UEAwwXUGF0Y2hiYXkgdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIzMTcz
        NjI2WhgPMjEyNjEwMzAxNzM2MjZaMBsxGTAXBgNVBAMMEGFwaS5leGFtcGxlLnRl
        c3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ0QD5RYJdM0xcvex1fbbzX+t8r
        GCOVhkWzeHuFlKEjQlJPb2uZ64VtDXCEgrQp4tpJTsdlLpkBU+qTGmH5tj3+o4GG
        MIGDMCEGA1UdEQQaMBiCEGFwaS5leGFtcGxlLnRlc3SHBH8AAAEwEwYDVR0lBAww
        CgYIKwYBBQUHAwEwCQYDVR0TBAIwADAdBgNVHQ4EFgQU6iIQLK7VMpS9xozfW0ui
        FtsS5t0wHwYDVR0jBBgwFoAUdag+hNWQYSihg+LbdQOgDDSDwoEwCgYIKoZIzj0E
        AwIDSAAwRQIhAIZ570YeIvD1VYGOPL9EZbVnLRLA27P07XR9rP3qe+LYAiBa2n8S
        T3ec4kld9wuNrKkY38VGQ1WgjebN03ThZ3dfQw==
        -----END CERTIFICATE-----
        """

    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfIica/33jBJAjqJM
        jSeFhMAwjN3OCe0w2OZwAU5Fq8KhRANCAAQ0QD5RYJdM0xcvex1fbbzX+t8rGCOV
        hkWzeHuFlKEjQlJPb2uZ64VtDXCEgrQp4tpJTsdlLpkBU+qTGmH5tj3+
        -----END PRIVATE KEY-----
        """
}
