import AsyncHTTPClient
import Connections
import NIOCore
import NIOHTTPCompression
import NIOSSL

/// Makes HTTP clients that can do no more than speak to one host at one address.
struct ClientFactory: Sendable {
    let tls: TLSConfiguration
    private let proxy: HTTPClient.Configuration.Proxy?
    private let limits: EgressLimits

    /// Read once, which NIOSSL would do for every client. Where there is neither file, it knows other places.
    private static let systemRoots = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
        .lazy.compactMap { try? NIOSSLCertificate.fromPEMFile($0) }.first { !$0.isEmpty }
    /// Node and uvicorn hang up after five seconds. A request that crosses their closing is lost, and is not repeated.
    private static let idleTimeout = TimeAmount.seconds(4)

    init(proxy: String?, extraRootsFile: String?, limits: EgressLimits) throws(EgressConfigurationError) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.trustRoots = Self.systemRoots.map { .certificates($0) } ?? .default
        if let extraRootsFile {
            guard let roots = try? NIOSSLCertificate.fromPEMFile(extraRootsFile), !roots.isEmpty else {
                throw .unreadableRoots
            }
            tls.additionalTrustRoots = [.certificates(roots)]
        }
        self.tls = tls
        self.proxy = try proxy.map { text throws(EgressConfigurationError) in try OutboundProxy(text).configuration }
        self.limits = limits
    }

    func makeClient(_ key: ClientPool.Key) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(limits.connectTimeout)), proxy: proxy,
            decompression: key.decompressionLimit.map { .enabled(limit: .size($0)) } ?? .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.idleTimeout = Self.idleTimeout
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = limits.concurrencyPerHost
        // The next address is tried, or the circuit counts, rather than the same one again and again.
        configuration.connectionPool.retryConnectionEstablishment = false
        // A span would hold the URL.
        configuration.tracing.tracer = nil
        if let host = key.host { configuration.dnsOverride = [host: key.address.text] }
        let check = PeerCheck(address: proxy == nil ? key.address : nil, host: key.host)
        configuration.http1_1ConnectionDebugInitializer = { channel in
            check(channel).flatMapThrowing { try WholeRequests.add(to: channel) }
        }
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }
}
