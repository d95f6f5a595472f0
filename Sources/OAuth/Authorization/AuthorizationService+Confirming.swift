package import Connections

extension AuthorizationService {
    /// The application's own word that the person who came back is the one it sent away.
    package func confirm(
        ticket: String, userID: String, in workspace: WorkspaceID, cause: Cause
    ) async throws -> Connection {
        let digest = services.digester(ticket)
        let (flow, harvest) = try await services.store.write { tx in
            guard let flow = try tx.authorizationFlow(ticket: digest, in: workspace),
                flow.stage == .awaitingConfirmation, flow.expiresAt > cause.at,
                flow.request.userID == nil || flow.request.userID == userID
            else { throw DomainError.notFound(.ticket) }
            let keeper = SecretKeeper(vault: services.vault, tx: tx, workspace: workspace)
            let data = try keeper.open(flow.sealed, of: flow.id.description, field: "harvest")
            guard let harvest = Harvest(data) else { throw DomainError.notFound(.ticket) }
            return (flow, harvest)
        }
        do {
            return try await store(harvest, of: flow, confirmedUser: userID, cause: cause).connection
        } catch let failure as CallbackFailure {
            throw DomainError.refused(code: failure.reason.code, message: failure.reason.sentence)
        }
    }
}
