/// A moment by the provider's clock.
struct Instant: Sendable, Comparable {
    /// Since 1970.
    let milliseconds: Int64

    var unixSeconds: Int { Int(milliseconds.dividedTowardsPast(by: 1_000)) }

    func advanced(bySeconds seconds: Int) -> Instant {
        Instant(milliseconds: milliseconds + Int64(seconds) * 1_000)
    }

    /// Rounded up, so that a lifetime told at once is told whole.
    func seconds(since earlier: Instant) -> Int {
        -Int((earlier.milliseconds - milliseconds).dividedTowardsPast(by: 1_000))
    }

    static func < (a: Instant, b: Instant) -> Bool { a.milliseconds < b.milliseconds }
}

extension Int64 {
    func dividedTowardsPast(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
