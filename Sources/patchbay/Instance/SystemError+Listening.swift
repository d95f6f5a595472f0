import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension SystemError {
    /// A failure to bind, as a sentence.
    init(listeningOn host: String, port: Int, _ error: IOError) {
        self.init(description: "cannot listen on \(host):\(port): " + String(cString: strerror(error.errnoCode)))
    }
}
