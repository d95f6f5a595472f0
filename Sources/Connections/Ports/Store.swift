/// Where everything is kept. Writes go through one unit of work; reads see every write that was acknowledged.
package protocol Store: OAuthStore, IntegrationStore, CheckStore, EventStore, ExpirationStore {
    /// Runs a unit of work on the writer's own thread, in a savepoint, and returns once it is durable. It shares its commit
    /// with units that arrived meanwhile. When the unit throws, all it did is undone and its neighbours are not touched.
    /// Throws `StoreError.unavailable` when the store cannot take writes; then nothing was done.
    func write<Result: Sendable>(
        _ unit: @escaping @Sendable (any StoreTransaction) throws -> Result
    ) async throws -> Result

    /// Runs a unit that only reads, on what was committed last, beside the writer. What it would write fails.
    func read<Result: Sendable>(
        _ unit: @escaping @Sendable (any StoreTransaction) throws -> Result
    ) async throws -> Result

    func connection(_ id: ConnectionID, in workspace: WorkspaceID) async throws -> Connection?
    func connections(_ query: ConnectionQuery) async throws -> Page<Connection, ConnectionID>
    func connectionID(externalID: String, integration: String, in workspace: WorkspaceID) async throws -> ConnectionID?
    /// How many connections there are by type and status, of the whole workspace or of one user.
    func connectionCounts(in workspace: WorkspaceID, userID: String?) async throws -> [ConnectionCount]

    func credential(_ id: CredentialID, in workspace: WorkspaceID) async throws -> Credential?
    func credentials(_ query: CredentialQuery) async throws -> Page<Credential, CredentialID>

    func apiKey(_ digest: TokenDigest) async throws -> APIKey?
    func apiKey(_ id: APIKeyID, in workspace: WorkspaceID?) async throws -> APIKey?
    /// The keys of a workspace; with `nil`, every key of the instance.
    func apiKeys(in workspace: WorkspaceID?, page: PageRequest<APIKeyID>) async throws -> Page<APIKey, APIKeyID>

    func workspace(_ id: WorkspaceID) async throws -> Workspace?
    func workspace(slug: String) async throws -> Workspace?
    /// `ids` narrows to some; `nil` is all of them.
    func workspaces(_ ids: [WorkspaceID]?, page: PageRequest<WorkspaceID>) async throws -> Page<Workspace, WorkspaceID>
}

/// What a unit of work may do. Every statement names its workspace.
package protocol StoreTransaction: OAuthTransaction, IntegrationTransaction, CheckTransaction, EventTransaction,
    ExpirationTransaction
{
    // Connections
    func connection(_ id: ConnectionID, in workspace: WorkspaceID) throws -> Connection?
    func connection(externalID: String, integration: String, in workspace: WorkspaceID) throws -> Connection?
    /// Throws `StoreError.duplicate` when another connection of the integration has the external id.
    func insert(_ connection: Connection, secrets: ConnectionSecrets, searchText: String) throws
    /// Writes what differs from `old`. `searchText` is given when label or external id changed.
    func update(_ connection: Connection, from old: Connection, searchText: String?) throws
    func delete(_ connection: Connection) throws
    func secrets(of connection: ConnectionID, in workspace: WorkspaceID) throws -> ConnectionSecrets?
    func update(secrets: ConnectionSecrets, of connection: ConnectionID, in workspace: WorkspaceID) throws
    /// Newest first.
    func connections(using credential: CredentialID, in workspace: WorkspaceID, limit: Int) throws -> [Connection]
    func countConnections(using credential: CredentialID, in workspace: WorkspaceID) throws -> Int
    func hasConnections(
        using credential: CredentialID, status: ConnectionStatus, in workspace: WorkspaceID
    ) throws -> Bool

    // Credentials
    func credential(_ id: CredentialID, in workspace: WorkspaceID) throws -> Credential?
    func sealed(_ id: CredentialID, in workspace: WorkspaceID) throws -> SealedCredential?
    func insert(_ credential: Credential, sealed: SealedCredential) throws
    func update(_ credential: Credential, sealed: SealedCredential?) throws
    func delete(credential id: CredentialID, in workspace: WorkspaceID) throws

    // API keys
    func apiKey(_ id: APIKeyID, in workspace: WorkspaceID?) throws -> APIKey?
    /// Over all workspaces, oldest first.
    func apiKeys(status: Availability) throws -> [APIKey]
    func insert(_ key: APIKey, digest: TokenDigest) throws
    func update(_ key: APIKey) throws
    func delete(_ key: APIKey) throws
    func touch(apiKey id: APIKeyID, at: Timestamp) throws

    // Workspaces
    func workspace(_ id: WorkspaceID) throws -> Workspace?
    /// Throws `StoreError.duplicate` when the slug is taken.
    func insert(_ workspace: Workspace, wrappedDataKey: [UInt8]) throws
    func update(_ workspace: Workspace) throws
    /// Connections, credentials and keys in it.
    func countContents(of workspace: WorkspaceID) throws -> Int
    /// Everything in it goes too, its journal included.
    func delete(workspace id: WorkspaceID) throws
    /// The key that seals the workspace's secrets, wrapped by the master key.
    func wrappedDataKey(of workspace: WorkspaceID) throws -> [UInt8]?

    // The instance
    func setting(_ name: String) throws -> String?
    func set(_ name: String, to value: String) throws

    func append(_ entry: JournalEntry, id: EventID, cause: Cause) throws
}

package enum StoreError: Error, Sendable, CustomStringConvertible {
    package enum Unique: Sendable { case externalID, workspaceSlug, other }
    /// A row with this key is there already.
    case duplicate(Unique)
    /// The store cannot take writes now: disk full, read-only, I/O error, too many waiting. Nothing was done; trying again may help.
    case unavailable(String)
    /// The store answered what it never should: a bug or a damaged file.
    case failed(String)

    /// For the operator; it holds no value of a row.
    package var description: String {
        switch self {
        case .duplicate: "a row with this key is there already"
        case .unavailable(let reason): "the store is unavailable: \(reason)"
        case .failed(let reason): reason
        }
    }
}

package struct PageRequest<ID: Sendable>: Sendable {
    package let skip: Int
    package let limit: Int
    /// Rows older than this one.
    package let after: ID?

    package init(skip: Int = 0, limit: Int, after: ID? = nil) {
        self.skip = skip
        self.limit = limit
        self.after = after
    }
}

package struct Page<Item: Sendable, ID: Sendable>: Sendable {
    package let items: [Item]
    package let total: Int
    /// To ask for the rows after these with; `nil` on the last page.
    package let next: ID?

    package init(items: [Item], total: Int, next: ID?) {
        self.items = items
        self.total = total
        self.next = next
    }
}

package struct ConnectionQuery: Sendable {
    package let workspace: WorkspaceID
    package var integration: String?
    package var integrationType: IntegrationType?
    package var status: ConnectionStatus?
    package var userID: String?
    package var externalID: String?
    package var tag: String?
    package var credentialID: CredentialID?
    /// Folded as the stored search text is.
    package var search: String?
    package var page: PageRequest<ConnectionID>

    package init(workspace: WorkspaceID, page: PageRequest<ConnectionID>) {
        self.workspace = workspace
        self.page = page
    }
}

package struct CredentialQuery: Sendable {
    package let workspace: WorkspaceID
    package var credentialType: CredentialType?
    package var authType: AuthType?
    package var status: String?
    package var search: String?
    package var page: PageRequest<CredentialID>

    package init(workspace: WorkspaceID, page: PageRequest<CredentialID>) {
        self.workspace = workspace
        self.page = page
    }
}

package struct ConnectionCount: Sendable {
    package let type: IntegrationType
    package let status: ConnectionStatus
    package let count: Int

    package init(type: IntegrationType, status: ConnectionStatus, count: Int) {
        self.type = type
        self.status = status
        self.count = count
    }
}

/// Text as it is searched: the case of letters does not matter.
package func searchFolded(_ parts: String?...) -> String {
    parts.compactMap(\.self).joined(separator: "\n").lowercased().replacing("\0", with: " ")
}
