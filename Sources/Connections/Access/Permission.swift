/// What a principal may do. The four are independent: none implies another.
package enum Permission: String, Sendable, CaseIterable {
    case read, write, secrets, admin
}

package struct Permissions: Sendable, Hashable, OptionSet {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package init(_ permissions: some Sequence<Permission>) {
        self = permissions.reduce(into: []) { $0.formUnion(Permissions($1)) }
    }

    package init(_ permission: Permission) {
        self =
            switch permission {
            case .read: .read
            case .write: .write
            case .secrets: .secrets
            case .admin: .admin
            }
    }

    package static let read = Permissions(rawValue: 1)
    package static let write = Permissions(rawValue: 2)
    package static let secrets = Permissions(rawValue: 4)
    package static let admin = Permissions(rawValue: 8)
    package static let all: Permissions = [.read, .write, .secrets, .admin]

    package func contains(_ permission: Permission) -> Bool { contains(Permissions(permission)) }

    /// In a fixed order.
    package var names: [String] { Permission.allCases.filter(contains).map(\.rawValue) }
}
