package import Connections
import Egress
import LosslessJSON

/// What a provider is told when a grant is given up: everything that the request needs, since nothing else is left by then.
struct RevocationOrder: Sendable {
    let url: String
    let token: Secret
    let hint: String
    let bearer: Secret?
    let revocation: OAuthMethod.Revocation
    let headers: [(name: String, value: String)]
    let client: OAuthClient?

    /// `nil` where the provider has no way to be told, or there is nothing to tell.
    init?(
        tokens: Tokens, method: OAuthMethod, endpoints: Endpoints, client: OAuthClient?
    ) {
        guard let url = endpoints.revoke else { return nil }
        self.url = url
        let prefersRefresh = method.revocation.token == .refreshToken
        token = prefersRefresh ? tokens.refreshToken ?? tokens.accessToken : tokens.accessToken
        hint = prefersRefresh && tokens.refreshToken != nil ? "refresh_token" : "access_token"
        bearer = method.revocation.authentication == .bearer ? tokens.accessToken : nil
        revocation = method.revocation
        headers = method.tokenHeaders
        self.client = method.revocation.authentication == .client ? client : nil
    }

    // MARK: Keeping

    var data: JSONObject {
        var data = JSONObject()
        data["url"] = JSONText(url)
        token.withText { data["token"] = JSONText($0) }
        data["hint"] = JSONText(hint)
        bearer?.withText { data["bearer"] = JSONText($0) }
        data["method"] = JSONText(revocation.method)
        data["format"] = JSONText(revocation.format.rawValue)
        data["parameter"] = JSONText(revocation.parameter)
        var headers = JSONObject()
        for header in self.headers { headers[header.name] = JSONText(header.value) }
        data["headers"] = headers.text
        if let client {
            data["client_id"] = JSONText(client.id)
            client.secret?.withText { data["client_secret"] = JSONText($0) }
            data["client_authentication"] = JSONText(client.authentication.rawValue)
        }
        return data
    }

    init?(_ data: JSONObject) {
        func text(_ key: String) -> String? { data[key]?.slice.string }
        guard let url = text("url"), let token = text("token") else { return nil }
        self.url = url
        self.token = Secret(token)
        hint = text("hint") ?? "refresh_token"
        bearer = text("bearer").map { Secret($0) }
        var revocation = OAuthMethod.Revocation()
        revocation.method = text("method") ?? "POST"
        revocation.format = text("format").flatMap(OAuthMethod.BodyFormat.init) ?? .form
        revocation.parameter = text("parameter") ?? "token"
        self.revocation = revocation
        headers =
            data["headers"].map { JSONObject($0.slice).members.map { ($0.name, $0.value.slice.string ?? "") } } ?? []
        client = text("client_id").map { id in
            OAuthClient(
                id: id, secret: text("client_secret").map { Secret($0) }, previousSecret: nil,
                authentication: text("client_authentication").flatMap(OAuthMethod.ClientAuthentication.init) ?? .none)
        }
    }

    var request: TokenEndpoint.Request {
        var request = TokenEndpoint.Request(
            url: url, method: revocation.method, format: revocation.format, headers: headers,
            parameters: [(name: revocation.parameter, value: token.withText { $0 })])
        // RFC 7009, 2.1.
        if revocation.parameter == "token" { request.parameters.append((name: "token_type_hint", value: hint)) }
        if let bearer { request.headers.append((name: "Authorization", value: bearer.withText { "Bearer \($0)" })) }
        return request
    }
}

/// Writes down what is to be revoked, in the unit of work that deletes the connection.
package struct GrantDeparture: ConnectionDeparture {
    private let services: OAuthServices

    package init(services: OAuthServices) {
        self.services = services
    }

    package func willDelete(_ connection: Connection, cause: Cause, tx: any StoreTransaction) throws {
        guard let grant = try tx.grant(of: connection.credentialID, in: connection.workspaceID),
            grant.state != .dead, !grant.kind.isSelfIssued,
            // Another system lives on it.
            grant.state != .suspended
        else { return }
        let key = GrantKey(workspaceID: connection.workspaceID, credentialID: connection.credentialID)
        do {
            let situation = try services.reader.situation(key, via: connection.id, tx: tx)
            guard let tokens = Tokens(data: situation.data) else { return }
            let endpoints = services.discovery.knownEndpoints(of: situation.method, filledFrom: situation.config)
            guard
                let order = RevocationOrder(
                    tokens: tokens, method: situation.method, endpoints: endpoints, client: situation.client)
            else {
                try note("no_revocation_endpoint", connection, cause: cause, tx: tx)
                return
            }
            try services.enqueue(
                order, connection: connection.id, integration: connection.integration, in: connection.workspaceID,
                at: cause.at, tx: tx)
        } catch let problem as GrantProblem {
            // The deletion goes on: what cannot be revoked is told.
            try note(problem.reason, connection, cause: cause, tx: tx)
        } catch let error as DomainError {
            try note(GrantProblem(error).reason, connection, cause: cause, tx: tx)
        }
    }

    private func note(_ reason: String, _ connection: Connection, cause: Cause, tx: any StoreTransaction) throws {
        try tx.append(
            JournalEntry(
                .revocationFailed, in: connection.workspaceID, subject: connection.id.description,
                data: .reason(reason)),
            id: services.ambient.id(), cause: cause)
    }
}

extension OAuthServices {
    func enqueue(
        _ order: RevocationOrder, connection: ConnectionID, integration: String, in workspace: WorkspaceID,
        at now: Timestamp, tx: any StoreTransaction
    ) throws {
        let id = ambient.id(RevocationID.self)
        let keeper = SecretKeeper(vault: vault, tx: tx, workspace: workspace)
        try tx.insert(
            Revocation(
                id: id, workspaceID: workspace, connectionID: connection, integration: integration,
                sealed: try keeper.seal(order.data, of: id.description, field: "revocation"), dueAt: now,
                createdAt: now))
    }

    /// Tells one provider. What fails is tried again for three days, and then stays to be seen.
    func revoke(_ revocation: Revocation) async throws {
        let order = try await store.write { tx in
            let keeper = SecretKeeper(vault: vault, tx: tx, workspace: revocation.workspaceID)
            // One that does not open is told like one that fails.
            let data = try? keeper.open(revocation.sealed, of: revocation.id.description, field: "revocation")
            return data.flatMap { RevocationOrder($0) }
        }
        let failure: String?
        if let order {
            do {
                let raw = try await endpoint.send(order.request, as: order.client, method: OAuthMethod())
                // RFC 7009, 2.2: a token that is not known is revoked as well.
                let isGone = raw.status == 404 || raw.status == 410
                failure = (200..<300).contains(raw.status) || isGone ? nil : "http_\(raw.status)"
            } catch let error as EgressError {
                failure = error.description
            }
        } else {
            failure = "unreadable"
        }
        let cause = Cause(principal: .system, requestID: revocation.id.description, at: ambient.now())
        try await store.write { tx in
            if failure == nil {
                try tx.delete(revocation: revocation.id, in: revocation.workspaceID)
            } else {
                try tx.update(revocation.failed(failure ?? "", at: cause.at, jitter: ambient.jitter()))
            }
            try tx.append(
                JournalEntry(
                    failure == nil ? .revoked : .revocationFailed, in: revocation.workspaceID,
                    subject: revocation.connectionID.description, data: failure.map { .reason($0) } ?? .emptyObject),
                id: ambient.id(), cause: cause)
        }
    }
}

extension Revocation {
    fileprivate func failed(_ reason: String, at now: Timestamp, jitter: Double) -> Revocation {
        var next = self
        next.attempts += 1
        next.lastFailure = reason
        let pause = min(21_600, 30 * Double(1 << min(next.attempts - 1, 12))) * (0.75 + 0.5 * jitter)
        let isOver = createdAt.advanced(bySeconds: 259_200) < now
        next.dueAt = isOver ? nil : now.advanced(bySeconds: Int64(pause))
        return next
    }
}
