import Connections
import Egress
import HTTPAPI
import Logging

extension UserTokenVerifier {
    /// `nil` where no user tokens are set up.
    init?(_ instance: Instance, logger: Logger) async throws {
        guard let configuration = instance.settings.userTokens else { return nil }
        let egress = instance.egress
        try await self.init(configuration, at: instance.ambient.now(), logger: logger) { url in
            let response = try await egress.send(
                EgressRequest(
                    purpose: .oauth, url: url,
                    headers: [(name: "Accept", value: "application/jwk-set+json, application/json")],
                    timeout: .seconds(10), maxResponseSize: Self.maxKeySetSize))
            guard response.status == 200 else {
                throw SystemError(description: "the answer has status \(response.status)")
            }
            return response.body
        }
    }
}
