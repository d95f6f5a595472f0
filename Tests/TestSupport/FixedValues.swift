package import Connections
package import LosslessJSON

extension Timestamp {
    /// 2026-01-01T00:00:00Z, when every test begins.
    package static let t0 = Timestamp(microseconds: 1_767_225_600_000_000)
}

extension Identifier {
    /// The same identifier for the same number, made at `t0`.
    package static func numbered(_ number: UInt64) -> Self {
        Identifier(ULID(high: UInt64(Timestamp.t0.microseconds / 1_000) << 16, low: number))
    }

    /// The same, each in a millisecond of its own, for rows that are stored by the time of their id.
    package static func apart(_ number: UInt64) -> Self {
        Identifier(ULID(high: (UInt64(Timestamp.t0.microseconds / 1_000) + number) << 16, low: number))
    }
}

extension JSONText {
    /// Text that the test knows to be one value without white space around it.
    package static func literal(_ text: String) -> JSONText { JSONText(unchecked: Array(text.utf8)) }
}

extension JSONSlice {
    /// A value to look into; the test vouches that it is well-formed.
    package static func literal(_ text: String) -> JSONSlice { JSONText.literal(text).slice }
}
