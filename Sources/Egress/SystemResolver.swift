package import Connections
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The platform's resolver on threads of its own, since it blocks and cannot be interrupted.
package final class SystemResolver: EgressResolver {
    private let threads: NIOThreadPool
    private let timeout: TimeAmount
    private let pending = Mutex(0)
    private static let maxPending = 256

    /// `timeout` is that of the callers; a thread is held for as long as the system's own patience lasts. There are many of
    /// them, so that a few names that nobody answers for do not keep the others waiting.
    package init(threads: Int = 16, timeout: Duration = .seconds(5)) {
        self.threads = NIOThreadPool(numberOfThreads: threads)
        self.timeout = TimeAmount(timeout)
        self.threads.start()
    }

    package func addresses(of host: String, port: Int) async throws -> [IPAddress] {
        try pending.withLock { pending in
            guard pending < Self.maxPending else { throw EgressError.overloaded }
            pending += 1
        }
        let answer = Deferred<[IPAddress]>()
        threads.submit { state in
            answer.finish(state == .active ? .success(Self.look(up: host)) : .failure(.closed))
            self.pending.withLock { $0 -= 1 }
        }
        do {
            return try await answer.value(until: .now() + timeout)
        } catch .timedOut {
            throw EgressError.nameNotResolved
        }
    }

    package func close() {
        // Not awaited: a look-up that hangs would hold up whoever closes.
        threads.shutdownGracefully { _ in }
    }

    private static func look(up host: String) -> [IPAddress] {
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        for entry in sequence(first: list, next: { $0?.pointee.ai_next }) {
            guard let entry, let address = address(entry.pointee), !addresses.contains(address) else { continue }
            addresses.append(address)
        }
        return addresses
    }

    /// `nil` also for an IPv4 address in IPv6 clothes, which no honest name has, and for one that holds on one link only.
    private static func address(_ entry: addrinfo) -> IPAddress? {
        guard let socketAddress = entry.ai_addr, [AF_INET, AF_INET6].contains(entry.ai_family) else { return nil }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let size = socklen_t(text.count)
        guard getnameinfo(socketAddress, entry.ai_addrlen, &text, size, nil, 0, NI_NUMERICHOST) == 0 else { return nil }
        let end = text.firstIndex(of: 0) ?? text.endIndex
        let address = IPAddress(String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        return address?.isIPv4 == (entry.ai_family == AF_INET) ? address : nil
    }
}
