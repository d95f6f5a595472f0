import Connections
import Testing

@Suite struct PatchTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let patch: Patch<Int>
        let isPresent: Bool
        let value: Int?
        /// What a field of value 1 becomes where null clears, and where null keeps.
        let cleared: Int?
        let kept: Int
    }

    @Test(arguments: [
        Case(testDescription: "absent", patch: .absent, isPresent: false, value: nil, cleared: 1, kept: 1),
        Case(testDescription: "null", patch: .null, isPresent: true, value: nil, cleared: nil, kept: 1),
        Case(testDescription: "value", patch: .value(2), isPresent: true, value: 2, cleared: 2, kept: 2),
    ])
    func becomes(_ expected: Case) {
        #expect(expected.patch.isPresent == expected.isPresent)
        #expect(expected.patch.value == expected.value)
        #expect(expected.patch.clearing(1) == expected.cleared)
        #expect(expected.patch.keeping(1) == expected.kept)
        let text = expected.patch.map { "\($0)" }
        #expect(text.isPresent == expected.isPresent)
        #expect(text.value == expected.value.map { "\($0)" })
    }
}
