import Connections
import HTTPAPI
import Logging
import LosslessJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where log lines go: standard error, JSON for machines and `key=value` for a person at a terminal.
struct LogSink: Sendable {
    let format: Settings.LogFormat
    let level: Logger.Level
    let now: @Sendable () -> Timestamp

    private let output = LogOutput()

    init(format: Settings.LogFormat, level: Logger.Level, now: @escaping @Sendable () -> Timestamp) {
        self.format = format
        self.level = level
        self.now = now
    }

    func write(_ level: Logger.Level, _ message: String, _ fields: (inout LogFields) -> Void) {
        var line = LogFields(format: format, at: now(), level: level, message: message)
        fields(&line)
        output.write(line.finished, isUrgent: level >= .error)
    }

    /// Returns when every line is written.
    func flush() { output.flush() }

    /// The line of a request.
    func write(_ request: RequestLine) {
        guard request.level >= level else { return }
        write(request.level, "request") { line in
            line.add("http.method", request.method)
            line.add("http.route", request.route)
            line.add("http.status", number: request.status)
            line.add("duration_ms", microseconds: Int(request.seconds * 1e6))
            line.add("request.id", request.requestID)
            if let workspace = request.workspace { line.add("workspace.id", workspace.description) }
            if let principal = request.principal { line.add("principal.id", principal.actor) }
        }
    }
}

/// The fields of one line, written as they come.
struct LogFields {
    private let format: Settings.LogFormat
    private var json = JSONWriter(capacity: 384)
    private var text = ""

    init(format: Settings.LogFormat, at time: Timestamp, level: Logger.Level, message: String) {
        self.format = format
        switch format {
        case .json:
            json.begin()
            json.key("time")
            json.plainString { time.append(to: &$0) }
            add("level", level.rawValue)
            add("message", message)
        case .text:
            text = "\(time.rfc3339) \(level.rawValue) \(message)"
        }
    }

    mutating func add(_ key: String, _ value: String) {
        switch format {
        case .json:
            json.key(escaping: key)
            json.value(value)
        case .text: text += " \(key)=\(Self.plain(value))"
        }
    }

    /// Quoted unless it is one plain word, so that a value can neither look like another field nor draw on the terminal.
    private static func plain(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=")
        }
        guard !isPlain || value.isEmpty else { return value }
        return JSONText(String(value.unicodeScalars.filter { $0.properties.generalCategory != .control })).string
    }

    mutating func add(_ key: String, number: Int) {
        switch format {
        case .json:
            json.key(escaping: key)
            json.value(number)
        case .text: text += " \(key)=\(number)"
        }
    }

    /// As milliseconds with three decimals.
    mutating func add(_ key: String, microseconds: Int) {
        let fraction = String(microseconds % 1_000 + 1_000).dropFirst()
        let milliseconds = "\(microseconds / 1_000).\(fraction)"
        switch format {
        case .json:
            json.key(escaping: key)
            json.value(JSONText(unchecked: Array(milliseconds.utf8)))
        case .text: text += " \(key)=\(milliseconds)"
        }
    }

    /// The whole line with its end.
    var finished: [UInt8] {
        switch format {
        case .json:
            var json = json
            json.end()
            return json.bytes + [UInt8(ascii: "\n")]
        case .text:
            return Array(text.utf8) + [UInt8(ascii: "\n")]
        }
    }
}

/// The library's side of the sink.
struct StructuredLogHandler: LogHandler {
    let sink: LogSink
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(sink: LogSink) {
        self.sink = sink
        logLevel = sink.level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        sink.write(event.level, "\(event.message)") { line in
            for (key, value) in fields { line.add(key == "hb.request.id" ? "request.id" : key, "\(value)") }
        }
    }
}
