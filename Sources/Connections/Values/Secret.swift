#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Bytes that must not be seen. It cannot be printed, encoded, dumped or compared; whoever needs the bytes opens it in a
/// closure, where a reader of the code finds every use. The memory is wiped when the last holder lets go.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let storage: Storage

    package init(_ bytes: [UInt8]) { storage = Storage(bytes) }

    package init(_ string: String) { self.init(Array(string.utf8)) }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(storage.bytes))
    }

    package var count: Int { storage.bytes.count }

    /// What a secret looks like in a response; sent back, it means "keep what is stored".
    package static let mask = "********"

    package var description: String { Self.mask }
    package var debugDescription: String { Self.mask }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// Owns its memory, so that wiping it reaches the only copy.
    private final class Storage: @unchecked Sendable {
        // Safe to share: written in init, wiped in deinit, only read between.
        let bytes: UnsafeMutableRawBufferPointer

        init(_ source: [UInt8]) {
            bytes = .allocate(byteCount: source.count, alignment: 1)
            bytes.copyBytes(from: source)
        }

        deinit {
            // A plain loop of stores could be left out as dead.
            if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
            bytes.deallocate()
        }
    }
}
