import HTTPTypes
import LosslessJSON

/// What an access token opens.
extension Simulator {
    func userInfo(_ call: Call) -> Reply {
        resource(call) { session, writer in
            let account = Account(login: session.account)
            writer.key("sub")
            writer.value(account.subject)
            writer.key("preferred_username")
            writer.value(account.login)
            writer.key("name")
            writer.value(account.name)
            writer.key("email")
            writer.value(account.email)
        }
    }

    func me(_ call: Call) -> Reply {
        resource(call) { session, writer in
            let account = Account(login: session.account)
            writer.key("id")
            writer.value(account.subject)
            writer.key("login")
            writer.value(account.login)
            writer.key("name")
            writer.value(account.name)
            writer.key("email")
            writer.value(account.email)
            writer.key("client_id")
            writer.value(session.client)
            writer.key("scopes")
            writer.strings(session.scopes)
        }
    }

    private func resource(_ call: Call, _ write: (Session, inout JSONWriter) -> Void) -> Reply {
        let session = call.bearerToken.flatMap(signer.booked).flatMap { token in
            withProvider { $0.session(token, at: call.now) }
        }
        let behaviour = behaviour(call, client: session?.client)
        return answer(under: behaviour, at: call.now) {
            if let session, session.isLive { return .json { write(session, &$0) } }
            let status = call.bearerToken == nil ? .unauthorized : behaviour.deadToken.status
            var reply = Reply.json(status) { writer in
                writer.key("message")
                writer.value(status.reasonPhrase)
            }
            if status == .unauthorized { reply.headers[.wwwAuthenticate] = "Bearer error=\"invalid_token\"" }
            return reply
        }
    }
}

extension Behaviour.DeadToken {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .unauthorized: .unauthorized
        case .forbidden: .forbidden
        case .notFound: .notFound
        }
    }
}
