import Connections
import Testing

@Suite struct PermissionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let permissions: Permissions
        let names: [String]

        var testDescription: String { names.joined(separator: "+") }
    }

    @Test(arguments: [
        Case(permissions: [], names: []),
        Case(permissions: .read, names: ["read"]),
        Case(permissions: [.admin, .read], names: ["read", "admin"]),
        Case(permissions: [.secrets, .write, .secrets], names: ["write", "secrets"]),
        Case(permissions: .all, names: ["read", "write", "secrets", "admin"]),
    ])
    func names(_ expected: Case) {
        #expect(expected.permissions.names == expected.names)
        let words = expected.names.compactMap { Permission(rawValue: $0) }
        #expect(Permissions(words) == expected.permissions)
        for word in Permission.allCases {
            #expect(expected.permissions.contains(word) == expected.names.contains(word.rawValue))
        }
    }

    @Test(arguments: Permission.allCases)
    func noneImpliesAnother(_ permission: Permission) {
        #expect(Permissions(permission).names == [permission.rawValue])
        #expect(Permissions.all.subtracting(Permissions(permission)).names.count == 3)
        #expect(!Permissions(permission).isSuperset(of: .all))
    }
}
