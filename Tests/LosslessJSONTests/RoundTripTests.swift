import LosslessJSON
import TestSupport
import Testing

/// Whatever is written comes back as it was: no number is rounded, no key moves, no character changes.
@Suite struct RoundTripTests {
    @Test(arguments: 1...20)
    func documents(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<50 {
            let document = RandomDocument(depth: 5, using: &random)
            let written = document.written(using: &random)
            let canonical = try JSONSlice(parsing: Array(written.utf8)).canonical
            #expect(canonical.bytes == Array(document.canonical.utf8), "\(written)")
            #expect(canonical.slice.canonical == canonical, "\(written)")
            #expect(try JSONSlice(parsing: canonical.bytes).raw.elementsEqual(canonical.bytes), "\(written)")
        }
    }

    @Test(arguments: 1...20)
    func strings(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<200 {
            let string = RandomString(using: &random)
            let slice = try JSONSlice(parsing: Array(string.literal.utf8))
            #expect(slice.utf8 == string.utf8, "\(string.literal)")
            #expect(slice.codePointCount == string.scalars.count, "\(string.literal)")
            let rewritten = JSONText(String(decoding: string.utf8, as: UTF8.self))
            #expect(try JSONSlice(parsing: rewritten.bytes).utf8 == string.utf8, "\(string.literal)")
        }
    }

    /// A container that lost its end is never taken for a whole one.
    @Test(arguments: 1...20)
    func everyProperPrefixIsRefused(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let text = Array("[\(RandomDocument(depth: 3, using: &random).canonical)]".utf8)
        for end in text.indices {
            #expect(throws: JSONError.self) { try JSONSlice(parsing: Array(text[..<end])) }
        }
    }

    /// Changed at random, a text is refused or read; either way it stays within its bytes.
    @Test(arguments: 1...20)
    func mutations(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        for _ in 0..<100 {
            var text = Array(RandomDocument(depth: 3, using: &random).written(using: &random).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) where !text.isEmpty {
                let place = Int.random(in: 0..<text.count, using: &random)
                text[place] = UInt8.random(in: 0...255, using: &random)
            }
            guard let canonical = try? JSONSlice(parsing: text).canonical else { continue }
            #expect(canonical.slice.canonical == canonical)
        }
    }
}
