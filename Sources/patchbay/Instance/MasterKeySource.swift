import Connections
import Vault

/// Finds the master key: the operator's, else the one in the data folder, else a new one for a new store. The store keeps a
/// check value by key id, so that a wrong key refuses to start.
struct MasterKeySource {
    let settings: Settings
    let store: any Store

    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    private static let settingName = "master_key"

    private var path: String { settings.dataDirectory + "/master.key" }

    func load() async throws -> MasterKey {
        let registered = try await store.write { try $0.setting(Self.settingName) }
        let key = try operatorsKey() ?? fileKey() ?? newKey(registered: registered)
        let registration = "\(key.id):\(key.checkValue)"
        guard let registered else {
            try await store.write { try $0.set(Self.settingName, to: registration) }
            return key
        }
        guard registered == registration else {
            let id = registered.prefix { $0 != ":" }
            throw Refused(
                description: "the store is sealed under master key \(id), and the key given is \(key.id): "
                    + "start with the right PATCHBAY_MASTER_KEY")
        }
        return key
    }

    private func operatorsKey() throws -> MasterKey? {
        guard let secret = settings.masterKey else { return nil }
        let text = secret.withBytes { String(decoding: $0, as: UTF8.self) }
        guard let key = MasterKey(base64: text) else {
            throw Refused(
                description: "PATCHBAY_MASTER_KEY must be 32 bytes in base64, as `openssl rand -base64 32` prints")
        }
        return key
    }

    private func fileKey() throws -> MasterKey? {
        guard let text = PrivateFile.read(path) else { return nil }
        guard let key = MasterKey(base64: text) else {
            throw Refused(description: "\(path) does not hold a master key")
        }
        return key
    }

    /// Never for a store that is sealed already: a new key would open nothing in it.
    private func newKey(registered: String?) throws -> MasterKey {
        guard registered == nil else {
            throw Refused(
                description: "the store is sealed, and its master key is not here: "
                    + "set PATCHBAY_MASTER_KEY or put \(path) back")
        }
        let text = MasterKey.generate()
        try PrivateFile.write(text + "\n", to: path)
        guard let key = MasterKey(base64: text) else { throw Refused(description: "cannot make a master key") }
        return key
    }
}
