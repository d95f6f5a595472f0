package import Connections
import Egress
import LosslessJSON

extension AuthorizationService {
    package struct Callback: Sendable {
        package var state: String?
        package var code: String?
        package var error: String?
        package var issuer: String?
        package var cookie: String?
        /// Everything in the query, for what an integration keeps of it.
        package var parameters: [String: String]

        package init(
            state: String?, code: String?, error: String?, issuer: String?, cookie: String?,
            parameters: [String: String]
        ) {
            self.state = state
            self.code = code
            self.error = error
            self.issuer = issuer
            self.cookie = cookie
            self.parameters = parameters
        }
    }

    package enum Arrival: Sendable {
        case connected(Connection, sameAccountAs: [ConnectionID], returnURL: String?)
        case ticket(String, returnURL: String?)
    }

    /// Throws `CallbackFailure`, which knows whether the flow's return URL may be told.
    package func arrive(_ callback: Callback, app appID: OAuthAppID?, requestID: String, at now: Timestamp) async throws
        -> Arrival
    {
        let flow = try await consume(callback, appID: appID, at: now)
        do {
            return try await finish(flow, callback, requestID: requestID, at: now)
        } catch let failure as CallbackFailure {
            throw failure.returning(to: flow.request.returnURL)
        } catch let error as DomainError {
            throw CallbackFailure(error).returning(to: flow.request.returnURL)
        } catch is EgressError {
            throw CallbackFailure(.exchangeFailed).returning(to: flow.request.returnURL)
        } catch StoreError.duplicate {
            // Another flow with the same external id was faster.
            throw CallbackFailure(.refused).returning(to: flow.request.returnURL)
        }
    }

    /// Takes the flow, so that nobody comes with it again. Whoever comes with another's state takes nothing.
    private func consume(_ callback: Callback, appID: OAuthAppID?, at now: Timestamp) async throws -> AuthorizationFlow
    {
        guard let state = callback.state else { throw CallbackFailure(.invalidState) }
        let digest = services.digester(state)
        let browser = callback.cookie.map { services.digester($0) }
        return try await services.store.write { tx in
            guard var flow = try tx.authorizationFlow(state: digest) else { throw CallbackFailure(.invalidState) }
            guard flow.appID == appID else { throw CallbackFailure(.appMismatch) }
            guard flow.browserDigest == nil || flow.browserDigest == browser else {
                throw CallbackFailure(.otherBrowser)
            }
            guard flow.stage == .started else { throw CallbackFailure(.invalidState) }
            guard flow.expiresAt > now else { throw CallbackFailure(.stateExpired) }
            flow.stage = .answered
            try tx.update(flow)
            return flow
        }
    }

    private func finish(
        _ flow: AuthorizationFlow, _ callback: Callback, requestID: String, at now: Timestamp
    ) async throws -> Arrival {
        try checkIssuer(of: callback, flow)
        if let error = callback.error { throw CallbackFailure(.provider(TokenOutcome.word(error) ?? "server_error")) }
        guard let code = callback.code, !code.isEmpty else { throw CallbackFailure(.missingCode) }
        let harvest = try await exchange(code, flow, callback)
        let cause = Cause(principal: .system, requestID: requestID, at: services.ambient.now())
        guard flow.request.needsConfirmation else {
            let (connection, twins) = try await store(harvest, of: flow, cause: cause)
            return .connected(connection, sameAccountAs: twins, returnURL: flow.request.returnURL)
        }
        let ticket = base64URL(services.ambient.randomBytes(32))
        try await services.store.write { tx in
            var waiting = flow
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: flow.workspaceID)
            waiting.stage = .awaitingConfirmation
            waiting.ticketDigest = services.digester(ticket)
            waiting.expiresAt = cause.at.advanced(bySeconds: Self.lifetime)
            waiting.sealed = try keeper.seal(harvest.data, of: flow.id.description, field: "harvest")
            try tx.update(waiting)
        }
        return .ticket(ticket, returnURL: flow.request.returnURL)
    }

    /// RFC 9207: simple string comparison, for errors too.
    private func checkIssuer(of callback: Callback, _ flow: AuthorizationFlow) throws {
        guard let expected = flow.request.issuer else { return }
        if let issuer = callback.issuer {
            guard issuer == expected else { throw CallbackFailure(.issuerMismatch) }
        } else if flow.request.issuerIsNamed {
            throw CallbackFailure(.issuerMismatch)
        }
    }
}
