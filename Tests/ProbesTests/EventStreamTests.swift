import Testing

@testable import Probes

@Suite struct EventStreamTests {
    /// Events as `type=data`.
    @Test(arguments: [
        ("data: a\n\n", ["=a"]), ("data:a\n\n", ["=a"]), ("data:  a\n\n", ["= a"]), ("data\n\n", ["="]),
        ("data: a\r\n\r\n", ["=a"]), ("data: a\r\r", ["=a"]), ("data: a\n\r\n", ["=a"]),
        ("\u{FEFF}data: a\n\n", ["=a"]),
        ("data: a\ndata: b\n\n", ["=a\nb"]), ("data: a\n\ndata: b\n\n", ["=a", "=b"]),
        ("event: x\ndata: a\n\ndata: b\n\n", ["x=a", "=b"]), ("data: a\nevent: x\n\n", ["x=a"]),
        (": hello\n\n", []), ("event: x\n\n", []), ("id: 1\nretry: 5\ndata: a\nother: b\n\n", ["=a"]),
        ("data: a", []), ("data: a\n", []), ("", []), ("\n\n\n", []), ("Data: a\n\n", []), (" data: a\n\n", []),
        ("data: a:b\n\n", ["=a:b"]), (#"data: {"a":"é"}"# + "\n\n", [#"={"a":"é"}"#]), ("data: a\n\ndata: b", ["=a"]),
    ])
    func reads(_ text: String, _ events: [String]) {
        func read(by size: Int) -> [String] {
            var stream = EventStream()
            let bytes = Array(text.utf8)
            return stride(from: 0, to: bytes.count, by: size)
                .flatMap { stream.read(bytes[$0..<min($0 + size, bytes.count)]) }
                .map { "\($0.type)=\(String(decoding: $0.data, as: UTF8.self))" }
        }
        for size in [1, 2, 3, 1_000] { #expect(read(by: size) == events) }
    }
}
