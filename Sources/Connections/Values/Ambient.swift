import Synchronization

/// Time and randomness, handed in so that every rule can be tested at any instant.
package struct Ambient: Sendable {
    package let now: @Sendable () -> Timestamp
    /// Cryptographically strong.
    package let randomBytes: @Sendable (Int) -> [UInt8]
    private let ulids: ULIDSource

    package init(now: @escaping @Sendable () -> Timestamp, randomBytes: @escaping @Sendable (Int) -> [UInt8]) {
        self.now = now
        self.randomBytes = randomBytes
        ulids = ULIDSource()
    }

    /// From 0 to 1, so that what is due at one moment is not done at one moment.
    package func jitter() -> Double {
        Double(randomBytes(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) / Double(UInt32.max)
    }

    /// A new identifier, later than every one made before in this process.
    package func id<Kind>(_ kind: Identifier<Kind>.Type = Identifier<Kind>.self) -> Identifier<Kind> {
        Identifier(ulids.next(at: now(), randomBytes: randomBytes))
    }
}

/// Makes ULIDs that rise even within a millisecond and when the clock steps back, as the ULID specification asks of a
/// monotonic generator: the next one is the last plus a random step.
private final class ULIDSource: Sendable {
    private let last = Mutex(ULID(high: 0, low: 0))

    func next(at time: Timestamp, randomBytes: (Int) -> [UInt8]) -> ULID {
        let milliseconds = UInt64(max(0, time.microseconds / 1_000)) & 0xFFFF_FFFF_FFFF
        let random = randomBytes(10)
        return last.withLock { last in
            if milliseconds > last.high >> 16 {
                let high = milliseconds << 16 | UInt64(random[0]) << 8 | UInt64(random[1])
                last = ULID(high: high, low: random[2...].reduce(0) { $0 << 8 | UInt64($1) })
            } else {
                // A wide one: rows are stored by the first of the random bits, and those made at once are not to share them.
                let step = random[..<8].reduce(0) { $0 << 8 | UInt64($1) } >> 2 + 1
                let (low, carry) = last.low.addingReportingOverflow(step)
                last = ULID(high: last.high + (carry ? 1 : 0), low: low)
            }
            return last
        }
    }
}
