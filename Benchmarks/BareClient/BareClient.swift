import AsyncHTTPClient
import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What refreshes cost when nothing is written down: a loop of token requests, as many at once as asked for, each form of the
/// file sent once. It prints how many a second were answered with tokens; any other answer ends it.
@main
struct BareClient {
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let concurrency = Int(arguments[3]), concurrency > 0 else {
            return end("usage: bare-client URL FILE CONCURRENCY (a line of FILE is the body of one request)", 64)
        }
        do {
            let forms = try lines(of: arguments[2])
            guard !forms.isEmpty else { throw Failure(description: "\(arguments[2]) is empty") }
            print(try await rate(forms, to: arguments[1], concurrency: concurrency))
        } catch {
            end("bare-client: \(error)", 1)
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
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }

    private static func rate(_ forms: [String], to url: String, concurrency: Int) async throws -> Double {
        let client = makeClient(concurrency)
        do {
            let clock = ContinuousClock()
            let begin = clock.now
            try await send(forms, to: url, concurrency: concurrency, on: client)
            let duration = clock.now - begin
            try await client.shutdown()
            return Double(forms.count) / (duration / .seconds(1))
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private static func send(
        _ forms: [String], to url: String, concurrency: Int, on client: HTTPClient
    ) async throws {
        var rest = forms[...]
        try await withThrowingTaskGroup(of: Void.self) { group in
            func sendNext() {
                guard let form = rest.popFirst() else { return }
                group.addTask { try await send(form, to: url, on: client) }
            }
            for _ in 0..<concurrency { sendNext() }
            while try await group.next() != nil { sendNext() }
        }
    }

    private static func send(_ form: String, to url: String, on client: HTTPClient) async throws {
        let headers: HTTPHeaders = [
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
        ]
        let request = try HTTPClient.Request(url: url, method: .POST, headers: headers, body: .string(form))
        let response = try await client.execute(request: request, deadline: .now() + .seconds(30)).get()
        guard response.status == .ok, let body = response.body,
            String(buffer: body).contains(#""access_token""#)
        else { throw Failure(description: "answered \(response.status.code)") }
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
