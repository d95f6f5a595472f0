import Hummingbird

/// How bodies come that do not come at once.
extension Reply {
    static let paddingSize = 64 << 20
    private static let chunkSize = 64 << 10
    private static let endlessChunkSize = 16 << 10

    func response(dripSeconds: Double) -> Response {
        Response(status: status, headers: headers, body: responseBody(dripSeconds: dripSeconds))
    }

    private func responseBody(dripSeconds: Double) -> ResponseBody {
        guard !body.isEmpty else { return ResponseBody() }
        switch delivery {
        case .whole: return ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        case .padded: return padded
        case .endless: return Self.endless(dripSeconds: dripSeconds)
        case .dripping:
            return ResponseBody { [body] writer in
                for byte in body {
                    try await writer.write(ByteBuffer(bytes: CollectionOfOne(byte)))
                    try await Task.sleep(for: .seconds(dripSeconds))
                }
                try await writer.finish(nil)
            }
        }
    }

    /// The object with a long member put first. Its length is not announced, so that a client has to count for itself.
    private var padded: ResponseBody {
        ResponseBody { [body] writer in
            try await writer.write(ByteBuffer(string: "{\"padding\":\""))
            let chunk = ByteBuffer(repeating: UInt8(ascii: "x"), count: Self.chunkSize)
            for _ in 0..<(Self.paddingSize / Self.chunkSize) { try await writer.write(chunk) }
            try await writer.write(ByteBuffer(string: "\","))
            try await writer.write(ByteBuffer(bytes: body.dropFirst()))
            try await writer.finish(nil)
        }
    }

    /// Begins as a token answer does. Writing fails once the client has gone, and that ends it.
    private static func endless(dripSeconds: Double) -> ResponseBody {
        ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "{\"access_token\":\""))
            let chunk = ByteBuffer(repeating: UInt8(ascii: "a"), count: endlessChunkSize)
            while true {
                try await writer.write(chunk)
                try await Task.sleep(for: .seconds(dripSeconds))
            }
        }
    }
}
