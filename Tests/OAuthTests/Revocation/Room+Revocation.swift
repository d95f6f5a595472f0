import Connections
import LosslessJSON
import Storage
import TestSupport
import Testing

@testable import OAuth

extension Room {
    /// Those who delete, with what is written down of the grant.
    var keepers: (connections: ConnectionService, credentials: CredentialService) {
        let departure = GrantDeparture(services: services)
        return (
            ConnectionService(
                store: store, vault: vault, catalog: services.catalog, ambient: ambient, departure: departure),
            CredentialService(
                store: store, vault: vault, catalog: services.catalog, ambient: ambient, departure: departure)
        )
    }

    func delete(_ seeded: Seeded) async throws {
        try await keepers.connections.delete(seeded.connectionID, in: Self.workspace, if: .none, cause: cause)
    }

    /// Takes the connection away from under a credential, as when it was another's.
    func strip(_ seeded: Seeded) async throws {
        try await store.write { tx in
            try tx.delete(try #require(try tx.connection(seeded.connectionID, in: Self.workspace)))
        }
    }

    func know(_ seeded: Seeded, as account: String) async throws {
        try await change(seeded) { $0.account = Grant.Account(label: account, fingerprint: account) }
    }

    func revocations() async throws -> [Revocation] {
        try await store.revocations(in: Self.workspace, page: PageRequest(limit: 100)).items
    }

    /// What was left alive: the subject, and why.
    func left() async throws -> [String] {
        try await database.read(.scan) { sql in
            try sql.query(
                SQL("SELECT subject, data FROM journal WHERE kind = 'credential.revocation_failed' ORDER BY sequence"),
                []
            ) { row in
                let data = JSONObject(try JSONSlice(parsing: Array(row.buffer(1))))
                return String(decoding: row.buffer(0), as: UTF8.self) + " " + (data.text(at: "reason_code") ?? "")
            }
        }
    }

    /// Whether the grant that this refresh token was of is good at the provider.
    func isAlive(_ seeded: Seeded) async throws -> Bool {
        let family = try await control("family?refresh_token=\(try #require(seeded.refreshToken))")
        return family.value(at: "alive")?.string == "true"
    }

    /// The token that the provider would be told.
    func token(of revocation: Revocation) async throws -> String? {
        try await store.write { tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: Self.workspace)
            return try keeper.open(revocation.sealed, of: revocation.id.description, field: "revocation")
                .text(at: "token")
        }
    }
}
