/// Takes CSV apart (RFC 4180): fields in double quotes may hold commas, line ends and doubled quotes.
struct CSVReader {
    struct Record {
        /// Where it begins.
        let line: Int
        let fields: [String]
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // A mark that some programs write in front of UTF-8.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// `nil` at the end. Empty lines are passed over.
    mutating func next() throws(ImportFileError) -> Record? {
        while position < bytes.count {
            let start = line
            var fields: [String] = []
            repeat { fields.append(try field()) } while take(Self.comma)
            guard takeLineEnd() || position == bytes.count else {
                throw ImportFileError("something follows a closing quote", line: line)
            }
            if fields != [""] { return Record(line: start, fields: fields) }
        }
        return nil
    }

    private mutating func field() throws(ImportFileError) -> String {
        var content: [UInt8] = []
        if take(Self.quote) {
            let start = line
            while true {
                guard position < bytes.count else {
                    throw ImportFileError("a quote that is opened here is never closed", line: start)
                }
                let byte = bytes[position]
                position += 1
                if byte == Self.quote, !take(Self.quote) { break }
                if byte == Self.lineFeed { line += 1 }
                content.append(byte)
            }
        } else {
            while position < bytes.count, bytes[position] != Self.comma, bytes[position] != Self.lineFeed,
                bytes[position] != Self.carriageReturn
            {
                guard bytes[position] != Self.quote else {
                    throw ImportFileError("a field with a quote in it must stand in quotes", line: line)
                }
                content.append(bytes[position])
                position += 1
            }
        }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw ImportFileError("the file is not UTF-8", line: line)
        }
        return text
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func takeLineEnd() -> Bool {
        let start = position
        _ = take(Self.carriageReturn)
        guard take(Self.lineFeed) else {
            // A lone carriage return is the line end of nobody any more, and at the end of a file it is one half.
            if position == bytes.count, position > start { return true }
            position = start
            return false
        }
        line += 1
        return true
    }
}
