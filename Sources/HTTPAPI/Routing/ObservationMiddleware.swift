import Connections
import HTTPTypes
import Hummingbird
import Logging

/// The outermost middleware: gives every request an id, turns every error into an answer, writes one line and counts it.
/// The line has the route's template and never a query, a body or a header's value.
struct ObservationMiddleware: RouterMiddleware {
    let routes: [Route]
    let metrics: Metrics

    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = answer(to: error, request: request, context: context).response
        }
        response.headers[.requestID] = context.requestID(of: request)
        let facts = context.trace.current
        let duration = ContinuousClock.now - start
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
        metrics.record(route: facts.route.map { routes[$0] }, status: response.status.code, seconds: seconds)
        log(request, response, facts: facts, seconds: seconds, context: context)
        return response
    }

    private func answer(to error: any Error, request: Request, context: AppContext) -> Answer {
        // The router says 404 for a known path with another method.
        guard context.trace.current.route == nil, (error as? HTTPError)?.status == .notFound else {
            return ErrorAnswers.answer(to: error, logger: context.logger)
        }
        let segments = request.uri.path.split(separator: "/")
        let allowed = routes.filter { $0.matches(segments) }.map(\.method)
        let refusal: APIError = allowed.isEmpty ? .noSuchPath : .methodNotAllowed(allowed)
        return ErrorAnswers.answer(to: refusal, logger: context.logger)
    }

    private func log(
        _ request: Request, _ response: Response, facts: RequestTrace.Facts, seconds: Double, context: AppContext
    ) {
        let route = facts.route.map { routes[$0] }
        let level = Self.level(response.status, isOpen: route.map { $0.access.isOpen } ?? false)
        guard context.logger.logLevel <= level else { return }
        var metadata: Logger.Metadata = [
            "http.method": .string(request.method.rawValue), "http.route": .string(route?.path ?? "unmatched"),
            "http.status": .stringConvertible(response.status.code),
            "duration_ms": .stringConvertible((seconds * 1e6).rounded() / 1e3),
            "request.id": .string(context.requestID(of: request)),
        ]
        if let workspace = facts.workspace { metadata["workspace.id"] = .string(workspace) }
        if let principal = facts.principal { metadata["principal.id"] = .string(principal) }
        context.logger.log(level: level, "request", metadata: metadata)
    }

    /// Probes and scrapes come every few seconds, and are told at debug unless they fail.
    private static func level(_ status: HTTPResponse.Status, isOpen: Bool) -> Logger.Level {
        status.code >= 500 ? .error : isOpen ? .debug : .info
    }
}

extension Route.Access {
    fileprivate var isOpen: Bool {
        if case .open = self { true } else { false }
    }
}

extension AppContext {
    /// The caller's id if it is sane, else the server's.
    func requestID(of request: Request) -> String {
        if let id = request.headers[.requestID], Self.isSane(id) { return id }
        return serverRequestID
    }

    private static func isSane(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
