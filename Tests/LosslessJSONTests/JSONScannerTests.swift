import LosslessJSON
import Testing

/// The well-known texts that a JSON parser must take, must refuse, or may do either with: there the table says what we
/// decided.
@Suite struct JSONScannerTests {
    @Test(arguments: JSONScannerTests.numbers) func number(_ text: TextCase) throws { try text.check() }

    @Test(arguments: JSONScannerTests.escapes) func escape(_ text: TextCase) throws { try text.check() }

    @Test(arguments: JSONScannerTests.characters) func character(_ text: TextCase) throws { try text.check() }

    @Test(arguments: JSONScannerTests.structures) func structure(_ text: TextCase) throws { try text.check() }

    @Test(arguments: JSONScannerTests.fragments) func fragment(_ text: TextCase) throws { try text.check() }

    @Test(arguments: JSONScannerTests.limits) func limit(_ text: TextCase) throws { try text.check() }

    struct LimitCase: CustomTestStringConvertible, Sendable {
        let text: String
        let limits: JSONLimits
        let error: JSONError?

        var testDescription: String { "\(text) within \(limits)" }
    }

    @Test(arguments: [
        LimitCase(text: "true", limits: JSONLimits(size: 4), error: nil),
        LimitCase(text: "false", limits: JSONLimits(size: 4), error: JSONError(.tooLarge, at: 4)),
        LimitCase(text: "    1", limits: JSONLimits(size: 4), error: JSONError(.tooLarge, at: 4)),
        LimitCase(text: "nope!", limits: JSONLimits(size: 4), error: JSONError(.tooLarge, at: 4)),
        LimitCase(text: "1", limits: JSONLimits(depth: 0), error: nil),
        LimitCase(text: "[]", limits: JSONLimits(depth: 0), error: JSONError(.tooDeep, at: 0)),
        LimitCase(text: "[[],{}]", limits: JSONLimits(depth: 2), error: nil),
        LimitCase(text: "[[],{\"a\":[]}]", limits: JSONLimits(depth: 2), error: JSONError(.tooDeep, at: 9)),
        LimitCase(text: "-12", limits: JSONLimits(numberLength: 3), error: nil),
        LimitCase(text: "[-123]", limits: JSONLimits(numberLength: 3), error: JSONError(.numberTooLong, at: 1)),
        LimitCase(text: "1e10", limits: JSONLimits(numberLength: 3), error: JSONError(.numberTooLong, at: 0)),
        LimitCase(text: "\"12345\"", limits: JSONLimits(numberLength: 3), error: nil),
    ])
    func ownLimit(_ limit: LimitCase) throws {
        let bytes = Array(limit.text.utf8)
        if let error = limit.error {
            #expect(throws: error) { try JSONSlice(parsing: bytes, limits: limit.limits) }
        } else {
            #expect(try JSONSlice(parsing: bytes, limits: limit.limits).raw.count > 0)
        }
    }

    @Test func whiteSpaceAroundIsNotPartOfTheValue() throws {
        let slice = try JSONSlice(parsing: Array(" \n[1, 2]\t".utf8))
        #expect(String(decoding: slice.raw, as: UTF8.self) == "[1, 2]")
    }

    @Test func errorsRepeatNothingOfTheText() {
        let error = #expect(throws: JSONError.self) { try JSONSlice(parsing: Array("{\"hunter2\" hunter2}".utf8)) }
        #expect(error?.description == "Expecting ':' delimiter (byte 11)")
    }
}
