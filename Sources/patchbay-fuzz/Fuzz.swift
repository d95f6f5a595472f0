import HTTPAPI
import LosslessJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Sends generated and mutated PUT bodies through the scanner and the change decoder. A crash or a hang is a finding; what
/// is accepted must come out canonical and be accepted again.
@main
struct Fuzz {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
        let iterations = arguments.first ?? 1_000_000
        let seed = arguments.dropFirst().first ?? 1
        var random = SplitMix64(state: seed)
        var accepted = 0
        for iteration in 0..<iterations {
            let body = Bodies.next(using: &random)
            if check(body) { accepted += 1 }
            if iteration % 100_000 == 99_999 { print("\(iteration + 1) bodies, \(accepted) accepted") }
        }
        print("fuzz: \(iterations) bodies from seed \(seed), \(accepted) accepted, none crashed")
    }

    /// Whether the body was accepted.
    private static func check(_ body: [UInt8]) -> Bool {
        if let slice = try? JSONSlice(parsing: body) {
            let canonical = slice.canonical
            guard let again = try? JSONSlice(parsing: canonical.bytes), again.canonical == canonical else {
                print("fuzz: not canonical: \(body)")
                exit(1)
            }
        }
        return (try? ConnectionBodies.change(parsing: body)) != nil
    }
}

/// Deterministic by its seed, so that a finding can be had again.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
