import Connections
import OAuth

/// Ending the pause of an instance whose store looked like a copy.
extension AdminHandler {
    /// So many grants are listed one by one.
    private static let listed = 1_000

    func standing() async throws -> StandingSummary {
        let (total, first) = try await instance.resumption.atRisk(limit: Self.listed)
        return StandingSummary(
            paused: instance.pause.isPaused, reason: instance.pause.isPaused ? instance.standing.reason : nil,
            grantsAtRisk: total,
            grants: first.map { grant in
                StandingSummary.Grant(
                    workspaceID: grant.workspaceID.description, credentialID: grant.credentialID.description,
                    connectionID: grant.connection?.id.description, integration: grant.connection?.integration,
                    externalID: grant.connection?.externalID)
            })
    }

    /// First the store, then the file, then the running instance: a crash at any point leaves it paused.
    func resume(keeping names: [String]) async throws -> ResumeSummary {
        guard instance.pause.isPaused else { throw DomainError.conflict(message: "the instance is not paused") }
        let outcome = try await instance.resumption.run(keeping: names, cause: cause)
        try EpochFile(dataDirectory: instance.settings.dataDirectory).write(outcome.epoch)
        instance.pause.resume()
        return ResumeSummary(
            keptKeys: outcome.kept.map { KeySummary($0) }, disabledKeys: outcome.disabled.map { KeySummary($0) },
            newKey: outcome.made.map { KeySummary($0.key, token: $0.token) })
    }
}
