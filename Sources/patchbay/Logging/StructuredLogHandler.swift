import Connections
import LosslessJSON
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes one line a message to standard error: JSON for machines, `key=value` for a person at a terminal.
struct StructuredLogHandler: LogHandler {
    let format: Settings.LogFormat
    let now: @Sendable () -> Timestamp
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = event.metadata ?? [:]
        // Our own request id stands in `request.id`; the framework's is the same or was replaced by the caller's.
        for (key, value) in metadata where fields[key] == nil && key != "hb.request.id" { fields[key] = value }
        var line =
            format == .json
            ? json(event.level, event.message, fields) : text(event.level, event.message, fields)
        line.append(UInt8(ascii: "\n"))
        // One write a line, so that lines of several threads do not mix.
        _ = write(STDERR_FILENO, line, line.count)
    }

    private func json(_ level: Logger.Level, _ message: Logger.Message, _ fields: Logger.Metadata) -> [UInt8] {
        var writer = JSONWriter(capacity: 384)
        writer.object { json in
            json.key("time")
            json.plainString { now().append(to: &$0) }
            json.key("level")
            json.value(level.rawValue)
            json.key("message")
            json.value("\(message)")
            for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
                json.key(key)
                switch value {
                case .stringConvertible(let number as Int): json.value(number)
                case .stringConvertible(let number as Double): json.value(JSONText(number))
                default: json.value("\(value)")
                }
            }
        }
        return writer.bytes
    }

    private func text(_ level: Logger.Level, _ message: Logger.Message, _ fields: Logger.Metadata) -> [UInt8] {
        let pairs = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        // Control characters would let a value draw on the terminal.
        let line = "\(now().rfc3339) \(level.rawValue) \(message)\(pairs)"
        return Array(String(line.map { $0.isASCII && $0 < " " ? "?" : $0 }).utf8)
    }
}

extension JSONText {
    fileprivate init(_ number: Double) {
        self.init(unchecked: Array((number.isFinite ? "\(number)" : "null").utf8))
    }
}
