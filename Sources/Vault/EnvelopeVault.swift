package import Connections
import Crypto
import Synchronization

/// Envelope encryption: the master key wraps a data key per workspace, data keys wrap record keys, record keys seal data.
package final class EnvelopeVault: SecretVault {
    private let master: MasterKey
    private let randomBytes: @Sendable (Int) -> [UInt8]
    /// Data keys that were unwrapped, by their wrapped form.
    private let dataKeys = Mutex<[[UInt8]: WrappingKey]>([:])
    private static let capacity = 1_000

    package init(master: MasterKey, randomBytes: @escaping @Sendable (Int) -> [UInt8]) {
        self.master = master
        self.randomBytes = randomBytes
    }

    package func makeDataKey(for workspace: WorkspaceID) throws -> [UInt8] {
        try Secret(randomBytes(32)).withBytes { dataKey in
            try Envelope.seal(
                dataKey, under: master.wrapping, place: Self.dataKeyPlace(workspace),
                salt: randomBytes(Envelope.saltLength))
        }
    }

    package func makeRecordKey() -> Secret { Secret(randomBytes(32)) }

    package func seal(_ secret: Secret, under key: SealingKey, for place: SealedPlace) throws -> [UInt8] {
        let key = try wrappingKey(key)
        return try secret.withBytes { bytes in
            try Envelope.seal(
                bytes, under: key, place: place.associatedData, salt: randomBytes(Envelope.saltLength))
        }
    }

    package func open(_ sealed: [UInt8], under key: SealingKey, for place: SealedPlace) throws -> Secret {
        let key = try wrappingKey(key)
        return Secret(Array(try Envelope.open(sealed, under: key, place: place.associatedData)))
    }

    package func fingerprint(_ text: String, under key: SealingKey) throws -> String {
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: try wrappingKey(key).key, info: Array("patchbay fingerprint v1".utf8), outputByteCount: 32
        )
        return HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: derived).prefix(16).map { $0 }.hexadecimal
    }

    private func wrappingKey(_ key: SealingKey) throws -> WrappingKey {
        switch key {
        case .record(let secret):
            return WrappingKey(secret.withBytes { SymmetricKey(data: $0) }, keepsID: false)
        case .workspace(let workspace, let wrapped):
            // The workspace is part of the look-up: a cached key of one tenant never serves another's row.
            let place = Self.dataKeyPlace(workspace)
            if let known = dataKeys.withLock({ $0[wrapped + place] }) { return known }
            let dataKey = WrappingKey(
                SymmetricKey(data: try Envelope.open(wrapped, under: master.wrapping, place: place)), keepsID: true)
            dataKeys.withLock { keys in
                if keys.count >= Self.capacity { keys.removeAll() }
                keys[wrapped + place] = dataKey
            }
            return dataKey
        }
    }

    private static func dataKeyPlace(_ workspace: WorkspaceID) -> [UInt8] {
        SealedPlace(workspace: workspace, record: workspace.description, field: "data_key").associatedData
    }
}
