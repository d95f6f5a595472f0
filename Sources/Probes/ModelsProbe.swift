import Connections
import Egress
import LosslessJSON

/// Lists the models that a key may use.
struct ModelsProbe: Sendable {
    let egress: Egress
    let now: @Sendable () -> Timestamp
    var limits = ProbeLimits()

    func report(on target: ProbeTarget, _ listing: ModelListing) async -> ProbeReport {
        await Examination.run(target, egress: egress, now: now, limits: limits) { examination async throws(Decision) in
            let test = TestRequest(url: listing.path, errorCode: listing.shape.errorCode)
            let response = try await examination.ask(test)
            try examination.check(response, test)
            guard let list = listing.shape.list(in: response.body) else {
                throw examination.decided(.inconclusive, at: .protocol, .unexpectedAnswer)
            }
            examination.authenticated()
            examination.passed(.protocol)
            await examination.learnAccount(from: response, to: test)
            let count = list.count == 1 ? "1 model" : "\(list.count) models"
            return examination.verified(detail: list.hasMore ? "\(count) and more" : count)
        }
    }
}

extension ModelListing.Shape {
    /// Where an error has its code.
    fileprivate var errorCode: String {
        switch self {
        case .openai: "error.code"
        case .anthropic: "error.type"
        case .mistral: "type"
        }
    }

    /// How many models a page lists; `nil` where it is no such list.
    fileprivate func list(in body: [UInt8]) -> (count: Int, hasMore: Bool)? {
        guard let slice = try? JSONSlice(parsing: body), slice.kind == .object else { return nil }
        let answer = JSONObject(slice)
        guard let data = answer["data"]?.slice, data.kind == .array else { return nil }
        let models = data.elements.map { JSONObject($0) }
        guard models.allSatisfy({ $0["id"]?.slice.kind == .string }) else { return nil }
        switch self {
        case .openai: return (models.count, false)
        case .anthropic:
            guard let hasMore = answer["has_more"]?.slice.boolean,
                models.allSatisfy({ $0["type"]?.slice.string == "model" })
            else { return nil }
            return (models.count, hasMore)
        case .mistral: return answer["object"]?.slice.string == "list" ? (models.count, false) : nil
        }
    }
}
