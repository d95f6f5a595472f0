import Catalog
import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var connectionRoutes: [Route] {
        [
            .api(.post, "/connections", "create_connection", .write, createConnection),
            .api(.get, "/connections", "list_connections", .read, listConnections),
            .api(.get, "/connections/stats", "get_connection_stats", .read, connectionStats),
            .api(.get, "/connections/users/{user_id}", "get_user_connections", .read, listUserConnections),
            .api(
                .get, "/connections/integrations/{integration_id}/requirements", "get_integration_requirements", .read,
                integrationRequirements),
            .api(.post, "/connections/validate", "validate_connection_requirements", .read, validateRequirements),
            .api(.get, "/connections/{connection_id}", "get_connection", .read, getConnection),
            .api(.put, "/connections/{connection_id}", "update_connection", .write, updateConnection),
            .api(.delete, "/connections/{connection_id}", "delete_connection", .write, deleteConnection),
        ]
    }

    // MARK: One connection

    private func createConnection(_ call: Call) async throws -> Answer {
        let draft = try ConnectionBodies.draft(await call.fields(echoingInput: false))
        let connection = try await connections.create(draft, in: call.workspace, cause: call.cause)
        return .json(revision: connection.revision) { $0.connection(connection) }
    }

    private func getConnection(_ call: Call) async throws -> Answer {
        var query = call.query
        let includesCredential = query.boolean("include_credential")
        try query.finish()
        let connection = try await connections.find(
            call.id("connection_id", .connection), in: call.workspace)
        guard includesCredential else {
            if call.hasCurrent(connection.revision) { return .notModified(revision: connection.revision) }
            return .json(revision: connection.revision) { $0.connection(connection) }
        }
        // The tag is the connection's alone, so it cannot tell whether the credential beside it is the same.
        let credential = try await view(of: connection)
        return .json(revision: connection.revision) { $0.connection(connection, credential: credential) }
    }

    private func updateConnection(_ call: Call) async throws -> Answer {
        let change = try ConnectionBodies.change(await call.fields())
        let connection = try await connections.update(
            call.id("connection_id", .connection), in: call.workspace, to: change, if: call.ifMatch,
            cause: call.cause)
        return .json(revision: connection.revision) { $0.connection(connection) }
    }

    private func deleteConnection(_ call: Call) async throws -> Answer {
        try await connections.delete(
            call.id("connection_id", .connection), in: call.workspace, if: call.ifMatch, cause: call.cause)
        return .noContent
    }

    // MARK: Many connections

    private func listConnections(_ call: Call) async throws -> Answer {
        var query = call.query
        var wanted = ConnectionQuery(workspace: call.workspace, page: query.page(cursor: true))
        wanted.integration = query.text("integration")
        wanted.integrationType = query.word("integration_type")
        wanted.status = query.word("status")
        wanted.userID = query.text("user_id")
        wanted.externalID = query.text("external_id")
        wanted.tag = query.text("tag")
        wanted.search = query.text("search").map { searchFolded($0) }
        if let credential = query.text("credential_id") {
            wanted.credentialID = CredentialID(credential)
            // What is no id is nobody's credential.
            if wanted.credentialID == nil {
                try query.finish()
                return page(Page(items: [], total: 0, next: nil), wanted)
            }
        }
        try query.finish()
        return try await page(connections.list(wanted), wanted)
    }

    private func listUserConnections(_ call: Call) async throws -> Answer {
        var query = call.query
        var wanted = ConnectionQuery(workspace: call.workspace, page: query.page(cursor: true))
        wanted.integrationType = query.word("integration_type")
        wanted.status = query.word("status")
        wanted.userID = call.text("user_id")
        try query.finish()
        return try await page(connections.list(wanted), wanted)
    }

    private func page(_ page: Page<Connection, ConnectionID>, _ query: ConnectionQuery) -> Answer {
        .json { json in
            json.page("connections", page, request: query.page) { json in
                json.key("next_cursor")
                json.value(page.next.map { Cursor.encode($0) })
            } item: { json, connection in
                json.connection(connection)
            }
        }
    }

    private func connectionStats(_ call: Call) async throws -> Answer {
        let counts = try await connections.counts(in: call.workspace, userID: call.query.text("user_id"))
        func total(_ isCounted: (ConnectionCount) -> Bool) -> Int {
            counts.filter(isCounted).reduce(0) { $0 + $1.count }
        }
        return .json { json in
            json.object { json in
                json.key("total_connections")
                json.value(total { _ in true })
                json.key("active_connections")
                json.value(total { $0.status == .active })
                json.key("inactive_connections")
                json.value(total { $0.status == .inactive })
                json.key("connections_by_type")
                json.counts(IntegrationType.allCases) { type in total { $0.type == type } }
                json.key("connections_by_status")
                json.counts(ConnectionStatus.allCases) { status in total { $0.status == status } }
            }
        }
    }

    // MARK: Requirements

    private func integrationRequirements(_ call: Call) async throws -> Answer {
        let (integration, method) = try requirement(
            call.text("integration_id"), methodID: call.query.text("auth_method_id"), in: call.workspace)
        return .json { $0.requirements(integration, method: method) }
    }

    private func validateRequirements(_ call: Call) async throws -> Answer {
        var query = call.query
        let id = query.requiredText("integration_id")
        let methodID = query.text("auth_method_id")
        let isLive = query.boolean("live")
        try query.finish()
        if isLive, !call.principal.permissions.contains(.write) {
            throw DomainError.forbidden("A live test needs the permission 'write'")
        }
        var fields = try await call.fields(echoingInput: false)
        let credentials = fields.secrets("credentials").value ?? JSONObject()
        let config = fields.object("config").value.map { JSONObject($0) } ?? JSONObject()
        try fields.finish()
        let (integration, method) = try requirement(id, methodID: methodID, in: call.workspace)
        let problems =
            catalog.problems(credentials: credentials, method: method)
            + catalog.problems(config: config, of: integration)
        let live = isLive && problems.isEmpty ? try await look(integration, method, config, credentials, call) : nil
        return .json { json in
            json.object { json in
                json.key("valid")
                json.value(problems.isEmpty && live?.report.verdict != .invalid)
                json.key("errors")
                json.strings(problems.map(\.message) + (live?.errors ?? []))
                if isLive {
                    json.key("live")
                    if let live { json.test(live) } else { json.null() }
                }
            }
        }
    }

    private func look(
        _ integration: Integration, _ method: AuthMethod, _ config: JSONObject, _ credentials: JSONObject, _ call: Call
    ) async throws -> TestResult {
        try checks.quota.take(call.workspace, at: call.cause.at)
        return await checks.tester.test(
            ProbeTarget(integration: integration, method: method, config: config, data: credentials, depth: .full))
    }

    private func requirement(
        _ id: String, methodID: String?, in workspace: WorkspaceID
    ) throws -> (Integration, AuthMethod) {
        guard let integration = catalog.integration(id, in: workspace) else { throw DomainError.notFound(.integration) }
        guard let method = integration.authMethod(methodID) else { throw DomainError.notFound(.authMethod) }
        return (integration, method)
    }
}

extension TestResult {
    /// What a look at the other side adds to what stands against the values.
    fileprivate var errors: [String] { report.verdict == .invalid ? [report.message] : [] }
}

extension JSONWriter {
    /// An object of numbers by word, without the zeros.
    fileprivate mutating func counts<Word: RawRepresentable>(
        _ words: [Word], _ count: (Word) -> Int
    ) where Word.RawValue == String {
        object { json in
            for word in words {
                let number = count(word)
                guard number > 0 else { continue }
                json.key(escaping: word.rawValue)
                json.value(number)
            }
        }
    }
}
