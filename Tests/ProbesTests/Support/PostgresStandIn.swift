import NIOCore
import NIOPosix
import Synchronization

/// A server on loopback that speaks as much of PostgreSQL's protocol as a test wants, well-behaved or not.
final class PostgresStandIn: Sendable {
    enum Answer: Sendable {
        case bytes([UInt8])
        case bytesThenClose([UInt8])
        case silence
        /// The bytes, and then the chunk for ever.
        case flood([UInt8], chunk: [UInt8])
    }

    /// What a request for TLS gets.
    enum TLS: Sendable {
        case bytes([UInt8])
        /// A yes, and then this instead of a handshake.
        case pretence([UInt8])
        case real(Certificates)
    }

    let port: Int
    private let listener: any Channel
    private let log: Log

    fileprivate final class Log: Sendable {
        private let state = Mutex([[UInt8]]())
        var messages: [[UInt8]] { state.withLock { $0 } }
        func heard(_ message: [UInt8]) { state.withLock { $0.append(message) } }
    }

    /// Every message that came, of all connections. The first of a connection has neither type nor length.
    var messages: [[UInt8]] { log.messages }

    /// `answer` is given the number of a message on its connection, and the message.
    init(
        tls: TLS = .bytes(Array("N".utf8)), answer: @escaping @Sendable (Int, [UInt8]) -> Answer
    ) async throws {
        let log = Log()
        self.log = log
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Talk(log: log, tls: tls, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    func stop() { listener.close(promise: nil) }
}

/// One connection.
private final class Talk: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum Layer {
        case plain
        case pretence([UInt8])
        case secured
    }

    private let log: PostgresStandIn.Log
    private let tls: PostgresStandIn.TLS
    private let answer: @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer
    private var received: [UInt8] = []
    private var count = 0
    private var layer = Layer.plain

    private static let tlsRequest: [UInt8] = [0x04, 0xD2, 0x16, 0x2F]

    init(
        log: PostgresStandIn.Log, tls: PostgresStandIn.TLS,
        answer: @escaping @Sendable (Int, [UInt8]) -> PostgresStandIn.Answer
    ) {
        self.log = log
        self.tls = tls
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch layer {
        case .plain: break
        case .pretence(let bytes): return respond(.bytesThenClose(bytes), context.channel)
        case .secured: return context.fireChannelRead(data)
        }
        received += unwrapInboundIn(data).readableBytesView
        while let message = next() {
            if message == Self.tlsRequest {
                secure(context)
                continue
            }
            log.heard(message)
            respond(answer(count, message), context.channel)
            count += 1
        }
    }

    private func secure(_ context: ChannelHandlerContext) {
        switch tls {
        case .bytes(let bytes): respond(.bytes(bytes), context.channel)
        case .pretence(let bytes):
            respond(.bytes(Array("S".utf8)), context.channel)
            layer = .pretence(bytes)
        case .real(let certificate):
            respond(.bytes(Array("S".utf8)), context.channel)
            layer = .secured
            do {
                try certificate.server(context.channel)
                // Behind TLS there is another one like this, for what comes out of it.
                try context.pipeline.syncOperations.addHandler(
                    Talk(log: log, tls: .bytes([]), answer: answer))
            } catch {
                context.close(promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// With its type, but for the first one.
    private func next() -> [UInt8]? {
        let head = count == 0 ? 0 : 1
        guard received.count >= head + 4 else { return nil }
        let length = received[head..<(head + 4)].reduce(0) { $0 << 8 | Int($1) }
        guard length >= 4, received.count >= head + length else { return nil }
        defer { received.removeFirst(head + length) }
        return Array(received[..<head] + received[(head + 4)..<(head + length)])
    }

    private func respond(_ answer: PostgresStandIn.Answer, _ channel: any Channel) {
        switch answer {
        case .bytes(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        case .bytesThenClose(let bytes):
            channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in channel.close(promise: nil) }
        case .silence: break
        case .flood(let bytes, let chunk):
            channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
            Self.flood(channel, ByteBuffer(bytes: chunk))
        }
    }

    private static func flood(_ channel: any Channel, _ chunk: ByteBuffer) {
        channel.eventLoop.scheduleTask(in: .microseconds(100)) {
            channel.writeAndFlush(chunk).whenSuccess { flood(channel, chunk) }
        }
    }
}

/// Messages of a PostgreSQL server: https://www.postgresql.org/docs/current/protocol-message-formats.html
enum PostgresMessage {
    static func message(_ type: Unicode.Scalar, _ content: [UInt8]) -> [UInt8] {
        [UInt8(ascii: type)] + number(content.count + 4) + content
    }

    /// For authentication.
    static func request(_ kind: Int, _ content: String = "") -> [UInt8] {
        message("R", number(kind) + Array(content.utf8))
    }

    static func challenge(nonce: String = "a", rounds: String) -> [UInt8] {
        request(11, "r=\(nonce),s=QSXCR+Q6sek8bf92,i=\(rounds)")
    }

    static func error(_ code: String) -> [UInt8] {
        message("E", Array("SFATAL\0VFATAL\0C\(code)\0Mxoxb-canary-5f2c81\0\0".utf8))
    }

    static let ready =
        message("S", Array("server_version\u{0}15.0\u{0}".utf8)) + message("K", number(1) + number(2)) + idle
    static let idle = message("Z", [UInt8(ascii: "I")])
    static let welcome = request(0) + ready

    /// The answer to the question who we are, with what comes around it.
    static func row(_ values: [String]) -> [UInt8] {
        let column = Array("x\0".utf8) + number(0) + [0, 0] + number(25) + [0xFF, 0xFF] + number(-1) + [0, 0]
        let columns = Array(repeatElement(column, count: values.count).joined())
        let fields = Array(values.map { number($0.utf8.count) + Array($0.utf8) }.joined())
        let count = [0, UInt8(values.count)]
        return complete("BEGIN") + complete("SET") + message("T", count + columns) + message("D", count + fields)
            + complete("SELECT 1") + complete("COMMIT") + idle
    }

    static func complete(_ tag: String) -> [UInt8] { message("C", Array("\(tag)\0".utf8)) }

    static func number(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: Int32(truncatingIfNeeded: value).bigEndian) { Array($0) }
    }
}
