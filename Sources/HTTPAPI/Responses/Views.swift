import Catalog
import Connections
import LosslessJSON

extension JSONWriter {
    mutating func id<Kind>(_ id: Identifier<Kind>) {
        plainString { id.append(to: &$0) }
    }

    mutating func time(_ time: Timestamp) {
        plainString { time.append(to: &$0) }
    }

    mutating func time(_ time: Timestamp?) {
        if let time { self.time(time) } else { null() }
    }

    /// ConnectionRead: the contract's fields in its order, then ours.
    mutating func connection(_ connection: Connection, credential: CredentialView? = nil) {
        object { json in
            json.key("label")
            json.value(connection.label)
            json.key("integration")
            json.value(connection.integration)
            json.key("integration_type")
            json.value(connection.integrationType.rawValue)
            json.key("config")
            json.value(connection.config)
            json.key("id")
            json.id(connection.id)
            json.key("credential_id")
            json.id(connection.credentialID)
            json.key("user_id")
            json.value(connection.userID)
            json.key("workspace_id")
            json.id(connection.workspaceID)
            json.key("created_by")
            json.value(connection.createdBy)
            json.key("status")
            json.value(connection.status.rawValue)
            json.key("created_at")
            json.time(connection.createdAt)
            json.key("updated_at")
            json.time(connection.updatedAt)
            json.key("external_id")
            json.value(connection.externalID)
            json.key("tags")
            json.value(connection.tags)
            json.key("metadata")
            json.value(connection.metadata)
            json.key("auth_method_id")
            json.value(connection.authMethodID)
            json.key("secret_rebind_required")
            json.value(connection.needsRebind)
            json.key("status_reason")
            json.value(connection.statusReason)
            json.key("status_since")
            json.time(connection.statusSince)
            json.key("last_checked_at")
            json.time(connection.lastCheckedAt)
            json.key("check_interval")
            if let interval = connection.checkInterval { json.value(interval) } else { json.null() }
            if let credential {
                json.key("credential")
                json.credential(credential.credential, grant: .some(credential.grant))
            }
        }
    }

    /// CredentialRead: nothing of the data. With a grant that was looked for, what is known of it.
    mutating func credential(_ credential: Credential, grant: GrantView?? = .none) {
        object { json in
            json.key("label")
            json.value(credential.label)
            json.key("description")
            json.value(credential.description)
            json.key("auth_type")
            json.value(credential.authType.rawValue)
            json.key("credential_type")
            json.value(credential.credentialType.rawValue)
            json.key("credential_scope")
            json.value(credential.scope)
            json.key("provider")
            json.value(credential.provider)
            json.key("user_id")
            json.value(credential.userID)
            json.key("id")
            json.id(credential.id)
            json.key("workspace_id")
            json.id(credential.workspaceID)
            json.key("created_by")
            json.value(credential.createdBy)
            json.key("status")
            json.value(credential.status.rawValue)
            json.key("expires_at")
            json.time(credential.expiresAt)
            json.key("last_used_at")
            json.time(credential.lastUsedAt)
            json.key("created_at")
            json.time(credential.createdAt)
            json.key("updated_at")
            json.time(credential.updatedAt)
            if let grant {
                json.key("oauth")
                if let grant { json.grant(grant) } else { json.null() }
            }
        }
    }

    /// ApiKeyRead; with the token, what creation answers.
    mutating func apiKey(_ key: APIKey, token: String? = nil) {
        object { json in
            json.key("id")
            json.id(key.id)
            json.key("key")
            json.value(key.publicPart)
            if let token {
                json.key("secret")
                json.value(token)
            }
            json.key("label")
            json.value(key.label)
            json.key("status")
            json.value(key.status.rawValue)
            json.key("permissions")
            json.strings(key.permissions.names)
            json.key("expires_at")
            json.time(key.expiresAt)
            json.key("ip_whitelist")
            if let ranges = key.ipWhitelist { json.strings(ranges.map(\.text)) } else { json.null() }
            json.key("collections")
            if let collections = key.collections { json.strings(collections) } else { json.null() }
            json.key("workspace_id")
            json.value(key.workspaceID?.description)
            json.key("created_by")
            json.value(key.createdBy)
            json.key("created_at")
            json.time(key.createdAt)
            json.key("updated_at")
            json.time(key.updatedAt)
            json.key("last_used_at")
            json.time(key.lastUsedAt)
        }
    }

    mutating func workspace(_ workspace: Workspace) {
        object { json in
            json.key("id")
            json.id(workspace.id)
            json.key("name")
            json.value(workspace.name)
            json.key("slug")
            json.value(workspace.slug)
            json.key("description")
            json.value(workspace.description)
            json.key("status")
            json.value("active")
            json.key("created_by")
            json.value(workspace.createdBy)
            json.key("created_at")
            json.time(workspace.createdAt)
            json.key("updated_at")
            json.time(workspace.updatedAt)
        }
    }

    // MARK: Catalog

    mutating func integration(_ integration: Integration) {
        object { json in
            json.key("id")
            json.value(integration.id)
            json.key("name")
            json.value(integration.name)
            json.key("type")
            json.value(integration.type.rawValue)
            json.key("category")
            json.value(integration.category)
            json.key("description")
            json.value(integration.description)
            json.key("docs_url")
            json.value(integration.docsURL)
            json.key("base_url")
            json.value(integration.baseURL?.text)
            json.key("auth_methods")
            json.array(integration.authMethods) { json, method in
                json.object { json in
                    json.authMethodHead(method)
                    json.key("auth_type")
                    json.value(method.authType.rawValue)
                    json.key("fields")
                    json.array(method.fields) { json, field in json.field(field) }
                }
            }
            json.key("config_fields")
            json.array(integration.configFields) { json, field in json.field(field) }
            json.key("testable")
            json.value(integration.probe != nil)
            json.key("check_interval")
            if let seconds = integration.checkInterval { json.value(seconds) } else { json.null() }
        }
    }

    mutating func requirements(_ integration: Integration, method: AuthMethod) {
        object { json in
            json.key("integration_id")
            json.value(integration.id)
            json.key("integration_type")
            json.value(integration.type.rawValue)
            json.key("auth_method")
            json.object { json in json.authMethodHead(method) }
            json.key("required_fields")
            json.array(method.fields.filter(\.isRequired)) { json, field in json.field(field) }
            json.key("optional_fields")
            json.array(method.fields.filter { !$0.isRequired }) { json, field in json.field(field) }
            json.key("config_fields")
            json.array(integration.configFields) { json, field in json.field(field) }
        }
    }

    private mutating func authMethodHead(_ method: AuthMethod) {
        key("id")
        value(method.id)
        key("name")
        value(method.name)
        key("type")
        value(method.scheme.rawValue)
        key("description")
        value(method.description)
    }

    private mutating func field(_ field: Field) {
        object { json in
            json.key("key")
            json.value(field.key)
            json.key("label")
            json.value(field.label)
            json.key("type")
            json.value(field.kind.rawValue)
            json.key("required")
            json.value(field.isRequired)
            json.key("secure")
            json.value(field.isSecure)
            json.optional("help", field.help)
            json.optional("placeholder", field.placeholder)
            if let value = field.defaultValue {
                json.key("default")
                json.value(JSONText(unchecked: Array(value.utf8)))
            }
            if !field.options.isEmpty {
                json.key("options")
                json.strings(field.options)
            }
            json.key("validation")
            json.object { json in
                if let length = field.minLength {
                    json.key("minLength")
                    json.value(length)
                }
                if let length = field.maxLength {
                    json.key("maxLength")
                    json.value(length)
                }
                json.optional("pattern", field.pattern)
            }
        }
    }

    private mutating func optional(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        key(name)
        value(text)
    }

    // MARK: Lists

    /// The contract's envelope: rows under their name, then total, page and size.
    mutating func page<Item, ID>(
        _ name: StaticString, _ page: Page<Item, ID>, request: PageRequest<ID>,
        extra: (inout JSONWriter) -> Void = { _ in }, item: (inout JSONWriter, Item) -> Void
    ) {
        object { json in
            json.key(name)
            json.array(page.items) { json, row in item(&json, row) }
            json.key("total")
            json.value(page.total)
            json.key("page")
            json.value(request.skip / request.limit + 1)
            json.key("size")
            json.value(request.limit)
            extra(&json)
        }
    }
}
