import Connections
import HTTPTypes
import Hummingbird
import LosslessJSON
import NIOCore

/// A request to an operation that anybody may call.
struct OpenCall {
    let request: Request
    let parameters: Parameters
    let requestID: String

    var query: QueryReader { QueryReader(request.uri.query) }

    func cookie(_ name: String) -> String? { request.cookies[name]?.value }
}

/// A request whose caller is known, whose workspace is the caller's, and whose permission was checked: holding one is the proof.
struct Call {
    let request: Request
    let parameters: Parameters
    let principal: Principal
    let workspace: WorkspaceID
    let cause: Cause
    /// For answers that go on after the call was admitted.
    let context: AppContext

    // MARK: Path

    /// An id in the path. Anything that is not one is answered like one that never was.
    func id<Kind>(_ name: String, _ resource: DomainError.Resource) throws -> Identifier<Kind> {
        guard let id = parameters.get(name).flatMap({ Identifier<Kind>($0) }) else {
            throw DomainError.notFound(resource)
        }
        return id
    }

    /// Free text in the path, percent-decoded.
    func text(_ name: String) -> String {
        let raw = parameters.get(name) ?? ""
        return percentDecoded(raw) ?? raw
    }

    var query: QueryReader { QueryReader(request.uri.query) }

    // MARK: Conditions

    var ifMatch: Precondition {
        get throws {
            guard let header = request.headers[.ifMatch] else { return .none }
            if header.trimmingSpaces == "*" { return .exists }
            return .revisions(EntityTag.revisions(strongIn: header))
        }
    }

    /// Whether the caller has this revision already.
    func hasCurrent(_ revision: Int64) -> Bool {
        guard let header = request.headers[.ifNoneMatch] else { return false }
        return header.trimmingSpaces == "*" || EntityTag.revisions(in: header).contains(revision)
    }

    // MARK: Body

    static let maxBodySize = 1 << 20

    /// The body as checked JSON; `nil` when there is none.
    func body() async throws -> JSONSlice? {
        if let type = request.headers[.contentType], !Self.isJSON(type) { throw APIError.unsupportedMediaType() }
        if let announced = request.headers[.contentLength].flatMap(Int.init), announced > Self.maxBodySize {
            throw APIError.bodyTooLarge()
        }
        var bytes: [UInt8] = []
        for try await chunk in request.body {
            guard bytes.count + chunk.readableBytes <= Self.maxBodySize else { throw APIError.bodyTooLarge() }
            chunk.withUnsafeReadableBytes { bytes.append(contentsOf: $0) }
        }
        if bytes.isEmpty { return nil }
        do {
            return try JSONSlice(parsing: bytes)
        } catch {
            throw APIError.invalidBody([.invalidJSON(error, in: bytes)])
        }
    }

    /// The body's fields, read one by one.
    func fields(echoingInput: Bool = true) async throws -> FieldReader {
        try FieldReader(await body(), echoesInput: echoingInput)
    }

    private static func isJSON(_ contentType: String) -> Bool {
        if contentType == "application/json" { return true }
        let type = contentType.prefix { $0 != ";" }.trimmingSpaces.lowercased()
        return type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    }
}

/// Entity tags: the revision in quotes.
enum EntityTag {
    static func tag(_ revision: Int64) -> String { "\"\(revision)\"" }

    /// Revisions that an If-Match names: weak tags never match there (RFC 9110, 13.1.1).
    static func revisions(strongIn header: String) -> [Int64] {
        header.split(separator: ",").map(\.trimmingSpaces).filter { !$0.hasPrefix("W/") }.compactMap(revision)
    }

    static func revisions(in header: String) -> [Int64] {
        header.split(separator: ",").map(\.trimmingSpaces)
            .map { $0.hasPrefix("W/") ? String($0.dropFirst(2)) : $0 }.compactMap(revision)
    }

    private static func revision(_ tag: String) -> Int64? {
        guard tag.count >= 2, tag.hasPrefix("\""), tag.hasSuffix("\"") else { return nil }
        return Int64(tag.dropFirst().dropLast())
    }
}

extension StringProtocol {
    /// Without spaces and tabs at both ends (RFC 9110, 5.6.3).
    var trimmingSpaces: String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        let bytes = Array(utf8)
        guard let first = bytes.first, let last = bytes.last, isBlank(first) || isBlank(last) else {
            return String(self)
        }
        guard let start = bytes.firstIndex(where: { !isBlank($0) }), let end = bytes.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(decoding: bytes[start...end], as: UTF8.self)
    }
}

/// Resolves `%XX`; `nil` where what comes out is not UTF-8 or an escape is broken.
func percentDecoded(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "%"):
            guard rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
        default: bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}
