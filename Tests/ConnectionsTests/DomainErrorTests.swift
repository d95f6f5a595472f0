import Connections
import Testing

/// `Precondition` stands in DomainError.swift.
@Suite struct PreconditionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let precondition: Precondition
        let revision: Int64
        let isMet: Bool
    }

    @Test(arguments: [
        Case(testDescription: "none", precondition: .none, revision: 1, isMet: true),
        Case(testDescription: "*", precondition: .exists, revision: 9, isMet: true),
        Case(testDescription: "this one", precondition: .revisions([3]), revision: 3, isMet: true),
        Case(testDescription: "one of several", precondition: .revisions([1, 2, 3]), revision: 2, isMet: true),
        Case(testDescription: "an older one", precondition: .revisions([2]), revision: 3, isMet: false),
        Case(testDescription: "a newer one", precondition: .revisions([4]), revision: 3, isMet: false),
        Case(testDescription: "none of several", precondition: .revisions([1, 2]), revision: 3, isMet: false),
        Case(testDescription: "tags that are no revisions", precondition: .revisions([]), revision: 1, isMet: false),
    ])
    func check(_ expected: Case) throws {
        if expected.isMet {
            try expected.precondition.check(expected.revision)
        } else {
            #expect(throws: DomainError.preconditionFailed) { try expected.precondition.check(expected.revision) }
        }
    }
}
