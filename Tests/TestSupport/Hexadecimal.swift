extension [UInt8] {
    /// Bytes from pairs of hexadecimal digits; anything else stops the test run.
    package init(hex text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        precondition(digits.count == text.count && digits.count.isMultiple(of: 2), "not hexadecimal: \(text)")
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
