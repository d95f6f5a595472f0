/// Cuts a stream of bytes into lines, and keeps no more of it than one line.
struct LineSplitter {
    enum Line: Equatable {
        /// Without its end.
        case whole([UInt8])
        /// Longer than the limit; its bytes are gone.
        case tooLong
    }

    private let limit: Int
    private var pending: [UInt8] = []
    private var isTooLong = false

    init(limit: Int) { self.limit = limit }

    /// The lines that end in `bytes`.
    mutating func append(_ bytes: some Collection<UInt8>) -> [Line] {
        var lines: [Line] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            take(rest[..<end])
            lines.append(finish())
            rest = rest[rest.index(after: end)...]
        }
        take(rest)
        return lines
    }

    /// What stands after the last line end; `nil` where that is nothing.
    mutating func last() -> Line? {
        pending.isEmpty && !isTooLong ? nil : finish()
    }

    private mutating func take(_ bytes: some Collection<UInt8>) {
        // One more for a carriage return.
        guard !isTooLong, pending.count + bytes.count <= limit + 1 else {
            isTooLong = true
            pending.removeAll()
            return
        }
        pending.append(contentsOf: bytes)
    }

    private mutating func finish() -> Line {
        if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
        let line: Line = isTooLong || pending.count > limit ? .tooLong : .whole(pending)
        pending.removeAll(keepingCapacity: true)
        isTooLong = false
        return line
    }
}
