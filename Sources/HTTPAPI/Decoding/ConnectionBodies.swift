package import Connections
import LosslessJSON

/// Reads the bodies of connections.
package enum ConnectionBodies {
    private static let idLength = 1...255

    /// ConnectionUpdate, in the contract's field order.
    static func change(_ fields: FieldReader) throws -> ConnectionChange {
        var fields = fields
        let change = ConnectionChange(
            label: fields.stringLiteral("label", maxLength: 255), config: fields.object("config"),
            status: fields.word("status"), externalID: fields.string("external_id", length: idLength),
            tags: fields.tags(), metadata: fields.object("metadata"), checkInterval: fields.checkInterval())
        try fields.finish()
        return change
    }

    /// The whole way from bytes to a change, as PUT goes it: what the fuzzer drives. Throws for anything that PUT refuses.
    package static func change(parsing bytes: [UInt8]) throws -> ConnectionChange {
        try change(FieldReader(JSONSlice(parsing: bytes), echoesInput: true))
    }

    /// ConnectionCreate.
    static func draft(_ fields: FieldReader) throws -> ConnectionDraft {
        var fields = fields
        let integration = fields.requiredString("integration", length: 1...64)
        let type = fields.requiredWord("integration_type", fallback: IntegrationType.custom)
        let label = fields.stringLiteral("label", maxLength: 255).value
        let config = fields.object("config").value
        let credentialID = fields.string("credential_id").value
        let userID = fields.string("user_id", length: idLength).value
        let credentials = fields.secrets("credentials").value
        let methodID = fields.string("auth_method_id").value
        let externalID = fields.string("external_id", length: idLength).value
        let tags = fields.tags().value
        let metadata = fields.object("metadata").value
        let checkInterval = fields.checkInterval().value
        if credentialID != nil, credentials != nil {
            fields.refuse(
                .value(
                    "credential_id and credentials exclude each other",
                    at: [.name("body"), .name("credential_id")]))
        }
        try fields.finish()
        return ConnectionDraft(
            integration: integration, integrationType: type, authMethodID: methodID,
            credential: try source(credentialID, credentials), label: label,
            config: config.map { JSONObject($0) } ?? JSONObject(), userID: userID, externalID: externalID,
            tags: tags, metadata: metadata, checkInterval: checkInterval)
    }

    private static func source(
        _ id: String?, _ credentials: JSONObject?
    ) throws -> ConnectionDraft.CredentialSource {
        guard let id else { return .inline(credentials ?? JSONObject()) }
        guard let id = CredentialID(id) else { throw DomainError.notFound(.credential) }
        return .existing(id)
    }
}

extension FieldReader {
    /// In seconds, up to 30 days; 0 for never.
    fileprivate mutating func checkInterval() -> Patch<Int> {
        integer("check_interval", in: 0...2_592_000)
    }

    fileprivate mutating func tags() -> Patch<JSONSlice> {
        strings("tags", count: 0...64, length: 1...64).map(\.slice)
    }
}
