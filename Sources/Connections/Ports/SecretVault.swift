/// Seals secrets so that they open only where they belong.
package protocol SecretVault: Sendable {
    /// A new data key for a workspace, wrapped by the master key.
    func makeDataKey(for workspace: WorkspaceID) throws -> [UInt8]
    /// A new key for one credential.
    func makeRecordKey() -> Secret
    func seal(_ secret: Secret, under key: SealingKey, for place: SealedPlace) throws -> [UInt8]
    /// Throws `VaultError` for another key, another place, or a changed byte, without saying which.
    func open(_ sealed: [UInt8], under key: SealingKey, for place: SealedPlace) throws -> Secret
    /// A keyed hash for finding equal values: 32 hexadecimal digits.
    func fingerprint(_ text: String, under key: SealingKey) throws -> String
}

package enum SealingKey: Sendable {
    /// A workspace's data key, as the store keeps it.
    case workspace(WorkspaceID, wrapped: [UInt8])
    case record(Secret)
}

/// Where a sealed value belongs. All of it is authenticated: moved to another place, the value does not open.
package struct SealedPlace: Sendable {
    package let workspace: WorkspaceID
    /// The row's id.
    package let record: String
    package let field: String
    package let generation: Int64
    /// Canonical and sorted; empty where no destination binds.
    package let origins: [String]

    package init(workspace: WorkspaceID, record: String, field: String, generation: Int64 = 0, origins: [String] = []) {
        self.workspace = workspace
        self.record = record
        self.field = field
        self.generation = generation
        self.origins = origins
    }
}

package struct VaultError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable { case keyUnknown, malformed, doesNotOpen }
    package let code: Code

    package init(_ code: Code) { self.code = code }

    package var description: String { "VaultError(\(code.rawValue))" }
}
