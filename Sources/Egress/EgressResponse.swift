/// A whole response. Its status may be any: an answer that the caller does not like is still an answer.
package struct EgressResponse: Sendable {
    package let status: Int
    package let headers: [(name: String, value: String)]
    /// Decompressed where the server used gzip or deflate.
    package let body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first of that name, in any case.
    package func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name.lowercased() == name }?.value
    }
}
