import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOSSL

/// How one request to one address failed.
struct ExchangeFailure: Error {
    let error: EgressError
    let evidence: Circuit.Evidence
    /// Whether nothing of the request was sent and another address, or another connection, may do better.
    let mayTryAgain: Bool
    /// Whether a connection that was kept turned out to be closed.
    let wasStale: Bool

    init(_ error: EgressError, _ evidence: Circuit.Evidence, mayTryAgain: Bool = false, wasStale: Bool = false) {
        self.error = error
        self.evidence = evidence
        self.mayTryAgain = mayTryAgain
        self.wasStale = wasStale
    }

    init(_ cause: any Error, in phase: ResponseCollector.Phase, deadline: NIODeadline, isCancelled: Bool) {
        let clientError = cause as? HTTPClientError
        if cause as? EgressError == .tlsFailed {
            self.init(.tlsFailed, .unreachable, mayTryAgain: true)
        } else if let error = cause as? EgressError {
            self.init(error, phase == .connecting ? .none : .reached)
        } else if isCancelled || clientError == .cancelled || clientError == .alreadyShutdown {
            self.init(.closed, .none)
        } else if clientError == .deadlineExceeded || NIODeadline.now() >= deadline {
            self.init(.timedOut, phase == .answering ? .reached : .unreachable)
        } else if phase == .connecting {
            self.init(
                Self.isOfTLS(cause) ? .tlsFailed : .connectFailed, .unreachable, mayTryAgain: true,
                wasStale: clientError == .remoteConnectionClosed || cause as? ChannelError == .ioOnClosedChannel)
        } else if cause as? NIOHTTPDecompression.DecompressionError == .limit {
            self.init(.responseTooLarge, .reached)
        } else {
            self.init(Self.isOfHTTP(cause) ? .protocolError : .connectionLost, .reached)
        }
    }

    private static func isOfTLS(_ cause: any Error) -> Bool {
        cause is NIOSSLError || cause is NIOSSLExtraError || cause is BoringSSLError
            || cause as? HTTPClientError == .tlsHandshakeTimeout
    }

    private static func isOfHTTP(_ cause: any Error) -> Bool {
        switch cause {
        case let error as HTTPParserError: error != .invalidEOFState
        case let error as HTTPClientError: error != .remoteConnectionClosed
        case is NIOHTTPDecompression.DecompressionError, is NIOHTTPDecompression.ExtraDecompressionError: true
        default: false
        }
    }
}
