import Hummingbird
import NIOCore

/// The channel, to close it without an answer.
struct SimulatorContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }
}

/// Takes requests apart and hands replies to the wire. It routes by itself, as a path carries the provider's modes.
struct SimulatorResponder: HTTPResponder {
    let simulator: Simulator

    func respond(to request: Request, context: SimulatorContext) async throws -> Response {
        let reply = await reply(to: request)
        if reply.delaySeconds > 0 { try await Task.sleep(for: .seconds(reply.delaySeconds)) }
        // What is returned after this meets a closed channel.
        if reply.isLost { try? await context.channel.close() }
        return reply.response(dripSeconds: simulator.options.dripSeconds)
    }

    private func reply(to request: Request) async -> Reply {
        guard let target = Target(path: request.uri.path) else {
            return .problem(.notFound, "No such endpoint; modes go before one, as in /m/rotate+jwt/token")
        }
        guard target.endpoint.methods.contains(request.method) else {
            var reply = Reply.problem(.methodNotAllowed, "Another method is needed")
            reply.headers[.allow] = target.endpoint.methods.map(\.rawValue).joined(separator: ", ")
            return reply
        }
        do {
            let call = try await Call(
                request, target: target, origin: simulator.options.issuer, now: simulator.now)
            return simulator.reply(to: call)
        } catch {
            switch error {
            case .tooLarge: return .problem(.contentTooLarge, "The body is too large")
            case .notAnObject: return .problem(.badRequest, "The body is no JSON object")
            }
        }
    }
}
