import Connections
import LosslessJSON

extension StoreFixture {
    static func appID(_ number: UInt64) -> OAuthAppID { OAuthAppID(ULID(high: 6, low: number)) }
    static func flowID(_ number: UInt64) -> AuthorizationFlowID { AuthorizationFlowID(ULID(high: 7, low: number)) }
    static func revocationID(_ number: UInt64) -> RevocationID { RevocationID(ULID(high: 8, low: number)) }

    static func digest(_ number: UInt8) -> TokenDigest {
        [UInt8](repeating: number, count: 32).withUnsafeBytes { TokenDigest($0) }
    }

    static func app(_ number: UInt64, in workspace: WorkspaceID, integration: String = "slack") -> OAuthApp {
        OAuthApp(
            id: appID(number), workspaceID: workspace, integration: integration, authMethodID: "oauth2", label: "L",
            clientID: "client", clientSecret: nil, scopes: ["x", "y"], clientAuthentication: .basic,
            returnURLs: ["https://app.test/done"],
            authorizeParameters: JSONText(unchecked: Array(#"{"prompt":"consent"}"#.utf8)), config: .emptyObject,
            createdBy: "test", createdAt: .t0, updatedAt: .t0)
    }

    static func flow(_ number: UInt64, in workspace: WorkspaceID, expiresIn: Int64 = 600) -> AuthorizationFlow {
        AuthorizationFlow(
            id: flowID(number), workspaceID: workspace, appID: appID(1), stateDigest: digest(UInt8(100 + number)),
            connectDigest: digest(UInt8(200 + number)),
            request: AuthorizationRequest(
                integration: "slack", authMethodID: "oauth2", scopes: ["x"], config: .emptyObject,
                connectionID: connectionID(1), userID: "u", externalID: nil, label: JSONText("L"),
                returnURL: "https://app.test/done", needsConfirmation: true, allowsAccountChange: false,
                createdBy: "test", issuer: nil, tokenURL: "https://p.test/token"),
            sealed: [4], createdAt: .t0, expiresAt: .t0.advanced(bySeconds: expiresIn))
    }

    /// A grant of the workspace's first credential with a value in every column.
    static func fullGrant(in workspace: WorkspaceID) -> Grant {
        Grant(
            workspaceID: workspace, credentialID: credentialID(0), kind: .authorizationCode, appID: appID(1),
            clientID: "client", state: .inDoubt, accessExpiresAt: .t0.advanced(bySeconds: 1),
            refreshExpiresAt: .t0.advanced(bySeconds: 2), renewsRefreshToken: true, dueAt: .t0.advanced(bySeconds: 3),
            hasRefreshToken: true,
            requestedScopes: ["x", "y"], grantedScopes: ["x"],
            account: Grant.Account(label: "me@a.test", fingerprint: "f0"), failures: 2, lastFailure: "http_500",
            lease: Grant.Lease(owner: "o", until: .t0.advanced(bySeconds: 4)), fence: 7,
            intent: Grant.Intent(generation: 5, at: .t0.advanced(bySeconds: 6), isSecondTry: true),
            answer: [1, 2, 3])
    }

    static func revocation(_ number: UInt64, in workspace: WorkspaceID, dueIn seconds: Int64) -> Revocation {
        Revocation(
            id: revocationID(number), workspaceID: workspace, subject: connectionID(number).description,
            integration: "slack", sealed: [6], dueAt: .t0.advanced(bySeconds: seconds), createdAt: .t0)
    }
}
