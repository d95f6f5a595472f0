/// Reads server-sent events as they come (WHATWG HTML, 9.2.6). An event counts once its blank line is there.
struct EventStream: Sendable {
    struct Event: Sendable, Equatable {
        var type = ""
        var data: [UInt8] = []
    }

    private var line: [UInt8] = []
    private var event = Event()
    private var hasData = false
    /// A line feed right after it belongs to it.
    private var endedInReturn = false
    private var isFirstLine = true

    /// The events that these bytes complete.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n"), endedInReturn {
                endedInReturn = false
                continue
            }
            endedInReturn = byte == UInt8(ascii: "\r")
            guard endedInReturn || byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if let event = endLine() { events.append(event) }
        }
        return events
    }

    private mutating func endLine() -> Event? {
        defer { line.removeAll(keepingCapacity: true) }
        var content = line[...]
        if isFirstLine {
            isFirstLine = false
            if content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }
        }
        guard !content.isEmpty else {
            defer {
                event = Event()
                hasData = false
            }
            return hasData ? event : nil
        }
        let field = content.prefix { $0 != UInt8(ascii: ":") }
        var value = content[field.endIndex...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: field, as: UTF8.self) {
        case "data":
            if hasData { event.data.append(UInt8(ascii: "\n")) }
            event.data += value
            hasData = true
        case "event": event.type = String(decoding: value, as: UTF8.self)
        // Comments, which have no name, and what only a reader that comes again needs.
        default: break
        }
        return nil
    }
}
