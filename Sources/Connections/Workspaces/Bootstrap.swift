/// Makes the workspace `default` and the first key of a store that has never had one. Armed once: a flag in the store tells
/// that it was done, so that deleting every key later does not open the door again.
package struct Bootstrap: Sendable {
    package enum Outcome: Sendable {
        case doneBefore
        /// The token that was given or made.
        case done(token: String)
    }

    private let store: any Store
    private let vault: any SecretVault
    private let authenticator: APIKeyAuthenticator
    private let ambient: Ambient

    /// The setting that tells that the store was served once.
    package static let flag = "bootstrap.done"

    package init(store: any Store, vault: any SecretVault, authenticator: APIKeyAuthenticator, ambient: Ambient) {
        self.store = store
        self.vault = vault
        self.authenticator = authenticator
        self.ambient = ambient
    }

    /// `token` is the operator's choice, in any form; without one, one is made. `beforeCommit` gets the token before the key
    /// exists, so that a crash between the two loses nothing that works.
    package func run(token given: String?, beforeCommit: @Sendable (String) throws -> Void) async throws -> Outcome {
        let isDone = try await store.write { try $0.setting(Self.flag) } != nil
        guard !isDone else { return .doneBefore }
        let now = ambient.now()
        let workspace = Workspace(
            id: ambient.id(), name: "Default", slug: Workspace.defaultSlug, description: nil,
            createdBy: Principal.console.actor, createdAt: now, updatedAt: now)
        let key = APIKey(
            id: ambient.id(), workspaceID: nil, label: "bootstrap", permissions: .all,
            createdBy: Principal.console.actor, createdAt: now, updatedAt: now)
        let token = given ?? APIToken.make(for: key.id, random: ambient.randomBytes(32))
        try beforeCommit(token)
        let cause = Cause(principal: .console, requestID: "bootstrap", at: now)
        try await store.write { tx in
            try tx.insert(workspace, wrappedDataKey: vault.makeDataKey(for: workspace.id))
            try tx.insert(key, digest: authenticator.digest(token))
            try tx.set(Self.flag, to: now.rfc3339)
            try tx.append(
                JournalEntry(.workspaceCreated, in: workspace.id, subject: workspace.id.description),
                id: ambient.id(), cause: cause)
            try tx.append(
                JournalEntry(.apiKeyCreated, in: nil, subject: key.id.description), id: ambient.id(), cause: cause)
        }
        return .done(token: token)
    }
}
