import LosslessJSON

extension SecretKeeper {
    /// Binds a secret that was entered anew to where the connection points now.
    package func rebind(
        _ connection: Connection, to recordKey: Secret, catalog: any IntegrationCatalog, ambient: Ambient,
        cause: Cause
    ) throws {
        guard var secrets = try tx.secrets(of: connection.id, in: connection.workspaceID) else { return }
        if let integration = catalog.integration(of: connection) {
            secrets.origins =
                integration.origins(config: JSONObject(connection.config.slice), method: connection.authMethodID) ?? []
        }
        secrets.wrappedRecordKey = try bind(
            recordKey, of: connection.credentialID, to: connection.id, origins: secrets.origins)
        try tx.update(secrets: secrets, of: connection.id, in: connection.workspaceID)
        guard connection.needsRebind else { return }
        var bound = connection
        bound.needsRebind = false
        bound.revision += 1
        bound.updatedAt = max(cause.at, connection.updatedAt)
        let entry = bound.note(.connectionUpdated, data: .fields(["secret_rebind_required"]))
        try tx.update(bound, from: connection, searchText: nil)
        try tx.append(entry, id: ambient.id(), cause: cause)
    }
}
