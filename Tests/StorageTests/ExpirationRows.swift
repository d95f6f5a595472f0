import Connections
import LosslessJSON
import Storage

/// Rows that end, for the calendar and for the watch.
enum ExpirationRows {
    static func days(_ days: Int64, _ seconds: Int64 = 0) -> Timestamp {
        .t0.advanced(bySeconds: days * 86_400 + seconds)
    }

    static func grant(
        _ number: UInt64, in workspace: WorkspaceID, access: Timestamp? = nil, refresh: Timestamp? = nil,
        hasRefreshToken: Bool = false, renews: Bool? = nil, state: Grant.State = .live,
        kind: OAuthMethod.Grant = .authorizationCode, due: Timestamp? = nil
    ) -> Grant {
        Grant(
            workspaceID: workspace, credentialID: StoreFixture.credentialID(number), kind: kind, state: state,
            accessExpiresAt: access, refreshExpiresAt: refresh, renewsRefreshToken: renews, dueAt: due,
            hasRefreshToken: hasRefreshToken)
    }

    static func credential(
        _ number: UInt64, in workspace: WorkspaceID, expiresAt: Timestamp? = nil, isInline: Bool = false,
        type: AuthType = .apiKey, status: Availability = .active
    ) -> Credential {
        Credential(
            id: StoreFixture.credentialID(number), workspaceID: workspace, label: "Credential \(number)",
            description: nil, authType: type, credentialType: .integration, scope: "workspace", provider: nil,
            userID: nil, status: status, expiresAt: expiresAt, isInline: isInline, createdBy: "test", createdAt: .t0,
            updatedAt: .t0)
    }

    static func key(
        _ number: UInt64, in workspace: WorkspaceID?, expiresAt: Timestamp?, status: Availability = .active
    ) -> (APIKey, TokenDigest) {
        let key = APIKey(
            id: APIKeyID(ULID(high: 4, low: number)), workspaceID: workspace, label: "Key \(number)", status: status,
            permissions: .read, expiresAt: expiresAt, createdBy: "test", createdAt: .t0, updatedAt: .t0)
        return (key, [UInt8](repeating: UInt8(number), count: 32).withUnsafeBytes { TokenDigest($0) })
    }

    static func app(_ number: UInt64, in workspace: WorkspaceID, expiresAt: Timestamp?) -> OAuthApp {
        var app = StoreFixture.app(number, in: workspace)
        app.clientSecret = SealedAppSecret(bytes: [1], generation: 2, origins: [])
        app.clientSecretExpiresAt = expiresAt
        return app
    }

    /// One of each kind and more, in workspace a, with a credential each, and a connection of most.
    static func fill(_ fixture: StoreFixture) async throws {
        try await fixture.store.write { tx in
            for number in UInt64(1)...9 {
                let isOAuth = number < 6
                try tx.insert(
                    credential(
                        number, in: fixture.a, expiresAt: days(Int64(number)), isInline: isOAuth,
                        type: isOAuth ? .oauthTokenRefresh : .apiKey,
                        status: number == 9 ? .inactive : .active), sealed: StoreFixture.sealed)
                guard number < 8 else { continue }
                try tx.insert(
                    StoreFixture.connection(number, in: fixture.a, label: "Connection \(number)", credential: number),
                    secrets: StoreFixture.secrets, searchText: "")
            }
            try tx.put(grant(1, in: fixture.a, access: days(1)))
            try tx.put(
                grant(2, in: fixture.a, access: days(0, 3_600), refresh: days(20), hasRefreshToken: true, renews: false)
            )
            try tx.put(
                grant(3, in: fixture.a, access: days(0, 3_600), refresh: days(21), hasRefreshToken: true, renews: true))
            try tx.put(grant(4, in: fixture.a, access: days(2), state: .dead))
            try tx.put(grant(5, in: fixture.a, access: days(3), kind: .clientCredentials))
            // An end that a grant moves on, of a credential that came before its connection.
            try tx.put(grant(8, in: fixture.a))
            for (key, digest) in [
                key(1, in: fixture.a, expiresAt: days(10)), key(2, in: fixture.a, expiresAt: nil),
                key(3, in: fixture.a, expiresAt: days(11), status: .inactive),
                key(4, in: fixture.b, expiresAt: days(10)), key(5, in: nil, expiresAt: days(12)),
            ] {
                try tx.insert(key, digest: digest)
            }
            try tx.insert(app(1, in: fixture.a, expiresAt: days(15)), in: fixture.a)
            var rotated = app(2, in: fixture.a, expiresAt: nil)
            rotated.previousClientSecret = SealedAppSecret(bytes: [1], generation: 1, origins: [])
            rotated.previousClientSecretExpiresAt = days(1)
            try tx.insert(rotated, in: fixture.a)
            try tx.put(
                ConnectionCheck(
                    workspaceID: fixture.a, connectionID: StoreFixture.connectionID(6), origin: "https://a.test",
                    certificateExpiresAt: days(25)))
        }
    }
}
