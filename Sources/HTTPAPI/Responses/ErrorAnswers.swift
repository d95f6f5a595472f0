import Connections
import HTTPTypes
import Hummingbird
import Logging
import LosslessJSON
import OAuth

/// The one place where errors become answers.
enum ErrorAnswers {
    static func answer(to error: any Error, logger: Logger) -> Answer {
        switch error {
        case let error as APIError: answer(error)
        case let error as DomainError: answer(error)
        case let error as StoreError: answer(error, logger: logger)
        case let error as GrantProblem: answer(error)
        case let error as VaultError: unreadableSecret(error, logger: logger)
        case let error as HTTPError where error.status == .notFound: .error(.notFound, "Not Found")
        case let error as any HTTPResponseError: .error(error.status, error.status.reasonPhrase)
        default: internalError("\(type(of: error))", logger: logger)
        }
    }

    private static func answer(_ error: APIError) -> Answer {
        switch error {
        case .unauthorized(let reason):
            var answer = Answer.error(.unauthorized, reason)
            answer.headers[.wwwAuthenticate] = "Bearer"
            return answer
        case .invalidBody(let problems): return .validationProblems(problems)
        case .unsupportedMediaType(let wanted):
            return .error(.unsupportedMediaType, "Send the body as \(wanted)")
        case .bodyTooLarge(let limit):
            var answer = Answer.error(.contentTooLarge, "The body is larger than \(limit) bytes")
            answer.headers[.connection] = "close"
            return answer
        case .methodNotAllowed(let allowed):
            var answer = Answer.error(.methodNotAllowed, "Method Not Allowed")
            answer.headers[.allow] = allowed.map(\.rawValue).sorted().joined(separator: ", ")
            return answer
        case .noSuchPath: return .error(.notFound, "Not Found")
        case .unavailable(let reason, let retryAfter):
            var answer = Answer.error(.serviceUnavailable, reason)
            answer.headers[.retryAfter] = "\(retryAfter)"
            return answer
        }
    }

    private static func answer(_ error: DomainError) -> Answer {
        switch error {
        case .notFound(let resource): .error(.notFound, "\(resource.rawValue) not found")
        case .gone(let reason): .error(.gone, reason)
        case .forbidden(let reason): .error(.forbidden, reason)
        case .preconditionFailed:
            .error(.preconditionFailed, "If-Match names another revision: read the resource again")
        case .invalidField(let location, let message):
            .validationProblems([.value(message, at: location.map { .name($0) })])
        case .invalidConfig(let problems):
            .validationProblems(
                problems.map { problem in
                    ValidationProblem(
                        "integration_config", at: [.name("body"), .name("config"), .name(problem.key)],
                        problem.message)
                })
        case .validationFailed(let errors): validationFailed(errors)
        case .conflict(let message, let related): conflict(message, related)
        case .refused(let code, let message): coded(.conflict, code, message)
        case .tooMany(let message, let retryAfter): tooMany(message, retryAfter)
        case .upstream(let code, let message): coded(.badGateway, code, message)
        }
    }

    private static func answer(_ problem: GrantProblem) -> Answer {
        switch problem.code {
        case .notOAuth, .notInstalled:
            .error(.unprocessableContent, problem.sentence)
        case .providerUnavailable, .outcomeUnknown:
            coded(.badGateway, problem.code.rawValue, problem.sentence)
        case .needsReauthorization, .secretRebindRequired, .suspended, .held, .paused, .appFailing, .appMissing,
            .inactive,
            .unreadable:
            coded(.conflict, problem.code.rawValue, problem.sentence)
        }
    }

    private static func tooMany(_ message: String, _ retryAfter: Int) -> Answer {
        var answer = Answer.error(.tooManyRequests, message)
        answer.headers[.retryAfter] = "\(retryAfter)"
        return answer
    }

    /// A sentence for people and a word for programs.
    private static func coded(_ status: HTTPResponse.Status, _ code: String, _ message: String) -> Answer {
        .json(status) { json in
            json.object { json in
                json.key("detail")
                json.value(message)
                json.key("error_code")
                json.value(code)
            }
        }
    }

    /// The documented object form of create's refusal.
    private static func validationFailed(_ errors: [String]) -> Answer {
        .json(.unprocessableContent) { json in
            json.object { json in
                json.key("detail")
                json.object { json in
                    json.key("message")
                    json.value("Connection validation failed")
                    json.key("errors")
                    json.strings(errors)
                }
            }
        }
    }

    private static func conflict(_ message: String, _ related: DomainError.Related?) -> Answer {
        guard let related else { return .error(.conflict, message) }
        return .json(.conflict) { json in
            json.object { json in
                json.key("detail")
                json.object { json in
                    json.key("message")
                    json.value(message)
                    switch related {
                    case .connection(let id):
                        json.key("connection_id")
                        json.value(id.description)
                    case .connections(let ids):
                        json.key("connections")
                        json.strings(ids.map(\.description))
                    }
                }
            }
        }
    }

    private static func answer(_ error: StoreError, logger: Logger) -> Answer {
        switch error {
        case .duplicate: return .error(.conflict, "A row with this key is there already")
        case .unavailable(let reason):
            logger.warning("store unavailable", metadata: ["error.reason": "\(reason)"])
            var answer = Answer.error(
                .serviceUnavailable, "The store cannot take this now. Nothing was written; try again")
            answer.headers[.retryAfter] = "1"
            return answer
        case .failed(let reason): return internalError(reason, logger: logger)
        }
    }

    private static func unreadableSecret(_ error: VaultError, logger: Logger) -> Answer {
        logger.error("secret does not open", metadata: ["error.code": "\(error.code.rawValue)"])
        return .error(.internalServerError, "A stored secret does not open: the log says more")
    }

    private static func internalError(_ reason: String, logger: Logger) -> Answer {
        logger.error("request failed", metadata: ["error.reason": "\(reason)"])
        return .error(.internalServerError, "Internal Server Error")
    }
}

extension GrantProblem {
    /// What to tell whoever asked for a token.
    fileprivate var sentence: String {
        switch code {
        case .notOAuth: "Connection has no OAuth grant to refresh"
        case .notInstalled: "Connection has no token yet (\(reason))"
        case .needsReauthorization: "The grant is gone (\(reason)): its owner must connect again"
        case .secretRebindRequired: "The destination of the secret changed: enter the credentials again"
        case .suspended: "The grant was imported and is not activated: another system may still refresh it"
        case .held:
            "The provider refused many grants of this app at once: check the app, then change it or refresh by force"
        case .paused: InstancePause.refusal
        case .appFailing: "The provider refuses the OAuth app (\(reason)): check its client_id and client_secret"
        case .appMissing: "No OAuth app is registered for this connection: make one with POST /api/v1/oauth/apps"
        case .inactive: "Connection is inactive"
        case .unreadable: "The stored secret does not open with this master key"
        case .outcomeUnknown: "A refresh was sent and its answer never came (\(reason)); it is looked into"
        case .providerUnavailable: "The provider did not give a token (\(reason)): try again later"
        }
    }
}
