import Connections
import Storage
import Vault

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct RestoreSummary: Encodable {
    let path: String
    let bytes: Int
    let masterKeyID: String
    /// Where the store went that was there before.
    let previousStore: String?

    enum CodingKeys: String, CodingKey {
        case path, bytes
        case masterKeyID = "master_key_id"
        case previousStore = "previous_store"
    }
}

/// Puts a backup in the place of the store. A copy is made and checked under another name; only a whole and checked one takes the
/// store's name, and what had that name is kept.
struct StoreRestoration {
    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    let settings: Settings
    let isForced: Bool

    private var store: String { settings.databasePath }

    func restore(_ backup: String) async throws -> RestoreSummary {
        try PrivateFile.makeDirectory(settings.dataDirectory)
        try PrivateFile.makeDirectory(PrivateFile.parent(of: store))
        let lock = try StoreLock(databasePath: store)
        defer { withExtendedLifetime(lock) {} }
        try check(backup)
        let copy = store + ".restoring"
        defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + suffix) } }
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.copyItem(atPath: backup, toPath: copy)
        // A copy keeps the mode of a backup that others could read.
        guard chmod(copy, 0o600) == 0 else { throw SystemError("protect", copy) }
        let masterKeyID = try await prepare(copy, from: backup)
        let previous = exists(store) ? try moveAside() : nil
        try PrivateFile.publish(copy, as: store)
        return RestoreSummary(
            path: store, bytes: try FileManager.default.attributesOfItem(atPath: store)[.size] as? Int ?? 0,
            masterKeyID: masterKeyID, previousStore: previous)
    }

    private func check(_ backup: String) throws {
        guard exists(backup) else { throw Refused(description: "\(backup) is not there") }
        guard !exists(backup + "-wal") else {
            throw Refused(
                description: "\(backup)-wal stands beside it: this is a store, which 'patchbay backup' copies whole")
        }
        guard isForced || !exists(store) else {
            throw Refused(description: "\(store) is there already: --force moves it aside")
        }
    }

    /// Checks the copy and gives it an epoch that no file mirrors, so that what opens it is paused.
    private func prepare(_ copy: String, from backup: String) async throws -> String {
        let ambient = Ambient(now: systemTime, randomBytes: secureRandomBytes)
        do {
            let database = try await SQLiteDatabase(path: copy, logger: .silent)
            do {
                let id = try await prepare(database, ambient: ambient)
                await database.close()
                return id
            } catch {
                await database.close()
                throw error
            }
        } catch let error as StoreError {
            throw Refused(description: "\(backup) is no backup that can be restored: \(error)")
        }
    }

    private func prepare(_ database: SQLiteDatabase, ambient: Ambient) async throws -> String {
        try await database.verify()
        let version = try await Migrator.version(of: database)
        guard (1...Migrator.newestVersion).contains(version) else {
            throw StoreError.failed(
                "it has schema version \(version), and this program knows 1 to \(Migrator.newestVersion)")
        }
        let store = SQLStore(database)
        let master = try await MasterKeySource(settings: settings, store: store).load()
        let now = ambient.now()
        try await store.write { tx in
            try InstanceEpoch(ambient).store(tx)
            try tx.append(
                JournalEntry(.instanceRestored, in: nil, subject: "instance"), id: ambient.id(),
                cause: Cause(principal: .console, requestID: "console", at: now))
        }
        return master.id
    }

    /// Links the store's files under another name before any of them goes, so that a crash at any point leaves a whole store
    /// under one name or the other.
    private func moveAside() throws -> String {
        let time = systemTime().rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" }
        let aside = "\(store).before-restore-\(time)Z"
        for suffix in ["", "-wal"] where exists(store + suffix) {
            guard link(store + suffix, aside + suffix) == 0 else { throw SystemError("make", aside + suffix) }
        }
        try PrivateFile.syncDirectory(PrivateFile.parent(of: store))
        for suffix in ["", "-wal", "-shm"] where exists(store + suffix) {
            guard unlink(store + suffix) == 0 else { throw SystemError("move", store + suffix) }
        }
        return aside
    }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
