import Connections
import Egress
import LosslessJSON

/// Speaks to a server of the Model Context Protocol over Streamable HTTP, by its current revision and those before: finds out
/// who it is, agrees on a version, and lists its tools.
struct MCPProbe: Sendable {
    let egress: Egress
    let now: @Sendable () -> Timestamp
    var limits = ProbeLimits()

    private static let maxPages = 5

    func report(on target: ProbeTarget) async -> ProbeReport {
        await Examination.run(target, egress: egress, now: now, limits: limits) { examination async throws(Decision) in
            guard let url = target.integration.baseURL?.url(filledFrom: target.config) else {
                throw examination.undecided(.incompleteConfig)
            }
            try examination.requireBound(url)
            try await examination.look(at: url)
            var conversation = MCPConversation(url: url)
            do throws(Decision) {
                let server = try await meet(&conversation, &examination)
                examination.authenticated()
                let tools = server.hasTools ? try await countTools(&conversation, &examination) : nil
                examination.passed(.protocol)
                await conversation.close(examination)
                let probe = examination
                if target.integration.identity?.source == .probe,
                    let name = server.name(isShowable: { !probe.repeatsSecret($0) })
                {
                    examination.account = ProbedAccount(integration: target.integration, [url, name], label: name)
                }
                return examination.verified(
                    detail: server.description(tools: tools) { !probe.repeatsSecret($0) })
            } catch {
                await conversation.close(examination)
                throw error
            }
        }
    }

    /// Whom we speak to. Which era a server is of is told by its answer to a question of the newer one: what that does not
    /// explain means the older one (2026-07-28, Streamable HTTP, Backward Compatibility).
    private func meet(
        _ conversation: inout MCPConversation, _ examination: inout Examination
    ) async throws(Decision) -> MCPServer {
        let reply = try await conversation.ask("server/discover", through: &examination)
        switch reply.answer {
        case .result(let result) where reply.response.isSuccess:
            guard let versions = result["supportedVersions"].map({ $0.slice.elements.compactMap(\.string) }) else {
                break
            }
            if versions.contains(MCPVersion.stateless) { return MCPServer(discovered: result) }
            guard MCPVersion.hasHandshake(versions) else { throw unsupported(examination) }
        case .error(MCPVersion.unsupportedCode, let data):
            let versions = data["supported"].map { $0.slice.elements.compactMap(\.string) } ?? []
            guard versions.isEmpty || MCPVersion.hasHandshake(versions) else { throw unsupported(examination) }
        default:
            if [401, 429].contains(reply.response.status) { throw examination.refused(reply.response) }
            // A page for people is one to any question.
            if reply.response.isSuccess, reply.answer == nil, reply.response.isHTML { throw unexpected(examination) }
        }
        return try await shakeHands(&conversation, &examination)
    }

    private func shakeHands(
        _ conversation: inout MCPConversation, _ examination: inout Examination
    ) async throws(Decision) -> MCPServer {
        conversation.isStateless = false
        let reply = try await conversation.ask(
            "initialize",
            [
                (name: "protocolVersion", value: JSONText(MCPVersion.withHandshake[0])),
                (name: "capabilities", value: .emptyObject),
                (name: "clientInfo", value: MCPConversation.clientInfo),
            ], through: &examination)
        let result = try result(of: reply, examination)
        guard let version = result["protocolVersion"]?.slice.string else { throw unexpected(examination) }
        guard MCPVersion.withHandshake.contains(version) else { throw unsupported(examination) }
        conversation.version = version
        let response = try await conversation.notify("notifications/initialized", through: &examination)
        if [401, 403, 429].contains(response.status) || response.status >= 500 { throw examination.refused(response) }
        return MCPServer(initialized: result)
    }

    private func countTools(
        _ conversation: inout MCPConversation, _ examination: inout Examination
    ) async throws(Decision) -> MCPServer.Tools {
        var tools = MCPServer.Tools()
        var cursor: JSONText?
        for _ in 0..<(examination.target.depth == .full ? Self.maxPages : 1) {
            let reply = try await conversation.ask(
                "tools/list", cursor.map { [(name: "cursor", value: $0)] } ?? [], through: &examination)
            let page = try result(of: reply, examination)
            guard let list = page["tools"]?.slice, list.kind == .array else { throw unexpected(examination) }
            tools.count += list.elements.count
            cursor = page["nextCursor"].flatMap { $0.slice.kind == .string ? $0 : nil }
            if cursor == nil { break }
        }
        tools.hasMore = cursor != nil
        return tools
    }

    /// The result that a request was asked for.
    private func result(
        of reply: MCPConversation.Reply, _ examination: Examination
    ) throws(Decision) -> JSONObject {
        switch reply.answer {
        case .result(let result) where reply.response.isSuccess:
            guard result["resultType"].map({ $0.slice.string == "complete" }) ?? true else {
                throw unexpected(examination)
            }
            return result
        // 2025-11-25, Lifecycle, Error Handling: -32602 with the versions that the server knows.
        case .error(_, let data) where data["supported"] != nil: throw unsupported(examination)
        case .error(let code, _) where reply.response.isSuccess || reply.response.status == 400:
            throw examination.decided(
                .inconclusive, at: .protocol, .unexpectedAnswer, providerCode: examination.showable("\(code)"))
        default: throw reply.response.isSuccess ? unexpected(examination) : examination.refused(reply.response)
        }
    }

    private func unexpected(_ examination: Examination) -> Decision {
        examination.decided(.inconclusive, at: .protocol, .unexpectedAnswer)
    }

    private func unsupported(_ examination: Examination) -> Decision {
        examination.decided(.inconclusive, at: .protocol, .unsupportedProtocolVersion)
    }
}
