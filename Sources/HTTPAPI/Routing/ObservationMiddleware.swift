import Connections
import HTTPTypes
import Hummingbird
import Logging

/// The outermost middleware: gives every request an id, turns every error into an answer, writes one line and counts it.
/// The line has the route's template and never a query, a body or a header's value.
struct ObservationMiddleware: RouterMiddleware {
    private let routes: [Route]
    /// One a route, and a last one for requests that no route took.
    private let cells: [Metrics.Cell]
    private let log: RequestLog

    init(routes: [Route], metrics: Metrics, log: @escaping RequestLog) {
        self.routes = routes
        self.log = log
        cells = routes.map { metrics.cell(for: $0) } + [metrics.cell(for: nil)]
    }

    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let requestID = context.requestID(of: request)
        context.trace.update { $0.requestID = requestID }
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = answer(to: error, request: request, context: context).response
        }
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.requestID] = requestID
        let facts = context.trace.current
        let duration = (ContinuousClock.now - start).components
        let seconds = Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
        let status = response.status.code
        cells[facts.route ?? routes.count].record(status: status, seconds: seconds)
        log(
            RequestLine(
                level: level(status, route: facts.route), method: request.method.rawValue,
                route: facts.route.map { routes[$0].path } ?? "unmatched", status: status, seconds: seconds,
                requestID: requestID, workspace: facts.workspace, principal: facts.principal))
        return response
    }

    /// Probes and scrapes come every few seconds, and are told at debug unless they fail.
    private func level(_ status: Int, route: Int?) -> Logger.Level {
        if status >= 500 { return .error }
        guard let route, case .open = routes[route].access else { return .info }
        return .debug
    }

    private func answer(to error: any Error, request: Request, context: AppContext) -> Answer {
        // The router says 404 for a known path with another method.
        guard context.trace.current.route == nil, (error as? HTTPError)?.status == .notFound else {
            return ErrorAnswers.answer(to: error, logger: context.logger)
        }
        let segments = request.uri.path.split(separator: "/")
        // As in the router, a literal segment wins over a parameter.
        let matching = routes.filter { $0.matches(segments) }
        let path = matching.map(\.path).min { $0.parameterPlaces < $1.parameterPlaces }
        let allowed = matching.filter { $0.path == path }.map(\.method)
        let refusal: APIError = allowed.isEmpty ? .noSuchPath : .methodNotAllowed(allowed)
        return ErrorAnswers.answer(to: refusal, logger: context.logger)
    }
}

extension String {
    /// Sorts `/a/b` before `/a/{x}`: where a path template has parameters, as digits.
    fileprivate var parameterPlaces: String {
        String(split(separator: "/").map { $0.hasPrefix("{") ? "1" : "0" })
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
