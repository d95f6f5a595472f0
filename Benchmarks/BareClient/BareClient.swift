import AsyncHTTPClient
import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What refreshes and deliveries cost when nothing is written down: a loop of requests, as many at once as asked for, each line
/// of the file sent once. It prints how many a second were answered as they should be; any other answer ends it.
@main
struct BareClient {
    static func main() async {
        let arguments = CommandLine.arguments
        guard (4...5).contains(arguments.count), let concurrency = Int(arguments[3]), concurrency > 0,
            let kind = arguments.count == 5 ? Kind(rawValue: arguments[4]) : .tokens
        else {
            return end(
                "usage: bare-client URL FILE CONCURRENCY [tokens|webhooks] (a line of FILE is the body of one request)",
                64)
        }
        do {
            let bodies = try lines(of: arguments[2])
            guard !bodies.isEmpty else { throw Failure(description: "\(arguments[2]) is empty") }
            print(try await rate(bodies, kind, to: arguments[1], concurrency: concurrency))
        } catch {
            end("bare-client: \(error)", 1)
        }
    }

    /// What is sent.
    private enum Kind: String {
        /// Forms to a token endpoint, which answers with tokens.
        case tokens
        /// JSON to a receiver, which answers anything from 200 to 299.
        case webhooks

        var headers: HTTPHeaders {
            switch self {
            case .tokens: ["Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"]
            case .webhooks: ["Content-Type": "application/json"]
            }
        }

        func accepts(_ response: HTTPClient.Response) -> Bool {
            switch self {
            case .tokens:
                response.status == .ok && response.body.map { String(buffer: $0).contains(#""access_token""#) } ?? false
            case .webhooks: (200..<300).contains(response.status.code)
            }
        }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// As the service's own clients are made: HTTP/1.1, no redirects, one connection for each request under way.
    private static func makeClient(_ concurrency: Int) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = concurrency
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture { try WholeRequests.add(to: channel) }
        }
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }

    private static func rate(
        _ bodies: [String], _ kind: Kind, to url: String, concurrency: Int
    ) async throws -> Double {
        let client = makeClient(concurrency)
        do {
            let clock = ContinuousClock()
            let begin = clock.now
            try await send(bodies, kind, to: url, concurrency: concurrency, on: client)
            let duration = clock.now - begin
            try await client.shutdown()
            return Double(bodies.count) / (duration / .seconds(1))
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private static func send(
        _ bodies: [String], _ kind: Kind, to url: String, concurrency: Int, on client: HTTPClient
    ) async throws {
        var rest = bodies[...]
        try await withThrowingTaskGroup(of: Void.self) { group in
            func sendNext() {
                guard let body = rest.popFirst() else { return }
                group.addTask { try await send(body, kind, to: url, on: client) }
            }
            for _ in 0..<concurrency { sendNext() }
            while try await group.next() != nil { sendNext() }
        }
    }

    private static func send(_ body: String, _ kind: Kind, to url: String, on client: HTTPClient) async throws {
        let request = try HTTPClient.Request(url: url, method: .POST, headers: kind.headers, body: .string(body))
        let response = try await client.execute(request: request, deadline: .now() + .seconds(30)).get()
        guard kind.accepts(response) else { throw Failure(description: "answered \(response.status.code)") }
    }

    // MARK: The outside

    private static func lines(of path: String) throws(Failure) -> [String] {
        guard let file = fopen(path, "r") else { throw Failure(description: "cannot read \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func end(_ message: String, _ code: Int32) {
        let line = Array("\(message)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        exit(code)
    }
}
