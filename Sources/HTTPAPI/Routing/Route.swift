package import Connections
package import HTTPTypes

/// One operation of the API as data. The table of routes drives the router, 405 with Allow, authorisation, metric labels,
/// the comparison with the OpenAPI document, and the tenant matrix.
package struct Route: Sendable {
    package enum Access: Sendable {
        /// Anybody.
        case open
        /// Any principal.
        case anyPrincipal
        case permission(Permission)

        /// As the document's `x-patchbay-permission` says it.
        package var name: String {
            switch self {
            case .open: "none"
            case .anyPrincipal: "any"
            case .permission(let permission): permission.rawValue
            }
        }
    }

    enum Handler: Sendable {
        case open(@Sendable (OpenCall) async throws -> Answer)
        case authenticated(@Sendable (Call) async throws -> Answer)
    }

    package let method: HTTPRequest.Method
    /// With `{name}` for each parameter.
    package let path: String
    package let operationID: String
    package let access: Access
    let handler: Handler

    /// An operation under `/api/v1`, with its id as FastAPI would make it.
    static func api(
        _ method: HTTPRequest.Method, _ path: String, _ name: String, _ permission: Permission?,
        _ handler: @escaping @Sendable (Call) async throws -> Answer
    ) -> Route {
        let path = "/api/v1" + path
        return Route(
            method: method, path: path, operationID: operationID(name, path, method),
            access: permission.map { .permission($0) } ?? .anyPrincipal, handler: .authenticated(handler))
    }

    static func open(
        _ path: String, _ name: String, _ handler: @escaping @Sendable (OpenCall) async throws -> Answer
    ) -> Route {
        Route(
            method: .get, path: path, operationID: operationID(name, path, .get), access: .open,
            handler: .open(handler))
    }

    /// FastAPI's default: name and path, everything but letters, digits and underscores as an underscore, and the method.
    private static func operationID(_ name: String, _ path: String, _ method: HTTPRequest.Method) -> String {
        let words = (name + path).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return "\(String(words))_\(method.rawValue.lowercased())"
    }

    /// Whether a path is of this route's form.
    func matches(_ segments: [Substring]) -> Bool {
        let template = path.split(separator: "/")
        return template.count == segments.count
            && zip(template, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
