import Connections
import HTTPTypes
import Hummingbird
import LosslessJSON
import NIOCore
import OAuth

extension API {
    var importRoutes: [Route] {
        [.api(.post, "/connections/import", "import_connections", .secrets, importConnections)]
    }

    private static let maxImportSize = 16 << 20

    /// Rows are stored as they come, so that nothing but the row in hand is kept; each has its own result, and the same body may be
    /// sent again.
    private func importConnections(_ call: Call) async throws -> Answer {
        guard call.principal.permissions.contains(.write) else {
            throw DomainError.forbidden("This needs the permission 'write', too")
        }
        if let type = call.request.headers[.contentType], !Self.isNDJSON(type) {
            throw APIError.unsupportedMediaType("application/x-ndjson")
        }
        if let announced = call.request.headers[.contentLength].flatMap(Int.init), announced > Self.maxImportSize {
            throw APIError.bodyTooLarge(Self.maxImportSize)
        }
        let service = ImportService(services: oauth.services, connections: connections)
        var intake = ImportIntake(service: service, workspace: call.workspace, cause: call.cause)
        var splitter = LineSplitter(limit: ImportReader.maxRowSize)
        var size = 0
        for try await chunk in call.request.body {
            size += chunk.readableBytes
            guard size <= Self.maxImportSize else {
                return await intake.cut("The body is larger than \(Self.maxImportSize) bytes")
            }
            for line in splitter.append(chunk.readableBytesView) {
                guard await intake.take(line) else { return await intake.cut(Self.tooManyRows) }
            }
        }
        if let line = splitter.last(), await !intake.take(line) { return await intake.cut(Self.tooManyRows) }
        return await intake.answer()
    }

    private static let tooManyRows = "There are more than \(ImportReader.maxRows) rows"

    private static func isNDJSON(_ contentType: String) -> Bool {
        ["application/x-ndjson", "application/ndjson", "application/jsonl"]
            .contains(contentType.prefix { $0 != ";" }.trimmingSpaces.lowercased())
    }
}

/// Gathers rows until there are enough for the store, and writes their results.
private struct ImportIntake {
    private let service: ImportService
    private let workspace: WorkspaceID
    private let cause: Cause
    private var reader = ImportReader()
    private var waiting: [ImportEntry] = []
    private var line = 0
    private var rows = 0
    private var results = ByteBuffer()

    init(service: ImportService, workspace: WorkspaceID, cause: Cause) {
        self.service = service
        self.workspace = workspace
        self.cause = cause
    }

    /// Returns whether there was room for the row.
    mutating func take(_ next: LineSplitter.Line) async -> Bool {
        if case .whole(let bytes) = next, bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
            line += 1
            return true
        }
        guard rows < ImportReader.maxRows else { return false }
        line += 1
        rows += 1
        switch next {
        case .whole(let bytes): waiting.append(reader.read(bytes, line: line))
        case .tooLong: waiting.append(.refused(.tooLarge(line: line)))
        }
        if waiting.count >= ImportService.window { await flush() }
        return true
    }

    mutating func answer() async -> Answer {
        await flush()
        var answer = Answer(body: results)
        answer.headers[.contentType] = "application/x-ndjson"
        return answer
    }

    /// What came before the limit is stored; the rest is not looked at.
    mutating func cut(_ reason: String) async -> Answer {
        await flush()
        write(.failed(line: line + 1, ["\(reason): this row and those after it were not read"]))
        var answer = await answer()
        answer.headers[.connection] = "close"
        return answer
    }

    private mutating func flush() async {
        for result in await service.run(waiting, in: workspace, cause: cause) { write(result) }
        waiting.removeAll(keepingCapacity: true)
    }

    private mutating func write(_ result: ImportResult) {
        var json = JSONWriter(capacity: 128)
        json.object { json in
            json.key("line")
            json.value(result.line)
            json.key("status")
            json.value(result.status.rawValue)
            if let id = result.connectionID {
                json.key("connection_id")
                json.id(id)
            }
            if !result.errors.isEmpty {
                json.key("errors")
                json.strings(result.errors)
            }
        }
        results.writeBytes(json.bytes)
        results.writeInteger(UInt8(ascii: "\n"))
    }
}
