import HTTPTypes
import LosslessJSON

/// The control plane, under `/_simulate`: what a test sees and changes behind the client's back.
extension Simulator {
    // MARK: Watching

    func stats() -> Reply {
        let (counters, modes) = withProvider { ($0.counters, $0.modes) }
        return .json { writer in
            writer.key("mode")
            writer.value(modes.map(\.rawValue).joined(separator: "+"))
            writer.key("grants_issued")
            writer.value(counters.grantsIssued)
            writer.key("live_grants")
            writer.value(counters.liveGrants)
            writer.key("refreshes_seen")
            writer.value(counters.refreshesSeen)
            writer.key("refresh_token_replays")
            writer.value(counters.replays)
            writer.key("families_killed")
            writer.value(counters.familiesKilled)
            writer.key("revocations")
            writer.value(counters.revocations)
            writer.key("outcomes")
            writer.object { writer in
                for outcome in Outcome.allCases {
                    writer.key(escaping: outcome.rawValue)
                    writer.value(counters.outcomes[outcome] ?? 0)
                }
            }
        }
    }

    /// The grant that a refresh token belongs to, whichever of the grant's tokens it is.
    func showFamily(_ call: Call) -> Reply {
        onFamily(call.query) { provider, number, token in
            let family = provider.families[number]
            let current = family.refresh.map { provider.mint.token(.refresh, $0) }
            return .json { writer in
                writer.key("client_id")
                writer.value(family.client)
                writer.key("login")
                writer.value(family.account)
                writer.key("scopes")
                writer.strings(family.granted)
                writer.key("alive")
                writer.value(family.end == nil)
                writer.key("ended_by")
                writer.value(family.end?.rawValue)
                writer.key("refreshes")
                writer.value(family.refreshes)
                writer.key("replays")
                writer.value(family.replays)
                writer.key("lost_answers")
                writer.value(family.lostAnswers)
                writer.key("is_current")
                writer.value(current == token)
                writer.key("current_refresh_token")
                writer.value(current)
            }
        }
    }

    // MARK: Changing the provider

    func setMode(_ call: Call) -> Reply {
        guard let modes = call.body["mode"].flatMap({ SimulatorMode.list($0) }) else {
            let names = SimulatorMode.allCases.map(\.rawValue).joined(separator: ", ")
            return .problem(.badRequest, "mode takes names joined by +, of \(names)")
        }
        withProvider { $0.modes = modes }
        return stats()
    }

    /// Registers a client or changes its secret, as when one is rotated at the provider.
    func setClient(_ call: Call) -> Reply {
        guard let id = call.body["client_id"] else { return .problem(.badRequest, "client_id is missing") }
        let client = SimulatorClient(id: id, secrets: call.body["client_secret"].map { [$0] } ?? [])
        withProvider { $0.register(client) }
        return Reply(status: .noContent)
    }

    func setClock(_ call: Call) -> Reply {
        guard let seconds = call.body.integer("advance_seconds"), Self.decade.contains(seconds) else {
            return .problem(.badRequest, "advance_seconds is a number of seconds, ten years at most")
        }
        advanceClock(seconds: seconds)
        return .json { writer in
            writer.key("now")
            writer.value(now.unixSeconds)
        }
    }

    /// Seconds either way, far from where reckoning with instants could overflow.
    private static let decade = -315_360_000...315_360_000

    // MARK: Changing grants

    /// Makes grants out of nothing, to import or to measure with. `expires_in` holds for their first access tokens.
    func makeGrants(_ call: Call) -> Reply {
        let body = call.body
        let count = body.integer("count") ?? 1
        guard (1...Self.maxGrants).contains(count) else {
            return .problem(.badRequest, "count is from 1 to \(Self.maxGrants)")
        }
        let seconds = body.integer("expires_in")
        guard seconds.map(Self.decade.contains) ?? true else {
            return .problem(.badRequest, "expires_in is a number of seconds, ten years at most")
        }
        let scopes = body.words("scope")
        let client = body["client_id"] ?? options.clients.first?.id ?? ""
        let grants = withProvider { provider in
            (0..<count).map { _ in
                let grant = NewGrant(
                    client: client, account: body["login"] ?? "user-\(provider.families.count)", asked: scopes,
                    granted: scopes, accessTokenSeconds: seconds)
                return provider.open(grant, at: call.now)
            }
        }
        return .json { writer in
            writer.key("grants")
            writer.array(grants) { writer, grant in
                writer.object { writer in
                    writer.key("login")
                    writer.value(grant.account)
                    writer.key("client_id")
                    writer.value(grant.client)
                    writer.key("access_token")
                    writer.value(grant.accessToken)
                    writer.key("refresh_token")
                    writer.value(grant.refreshToken)
                    writer.key("expires_in")
                    writer.value(grant.expires.seconds(since: call.now))
                    writer.key("expires_at")
                    writer.value(grant.expires.unixSeconds)
                    writer.key("scope")
                    writer.value(grant.scopes.joined(separator: " "))
                }
            }
        }
    }

    private static let maxGrants = 100_000

    /// Lets a grant's access tokens expire now.
    func expire(_ call: Call) -> Reply {
        onFamily(call.body) { provider, family, _ in
            provider.expire(family: family, at: call.now)
            return Reply(status: .noContent)
        }
    }

    /// Takes the consent back, as a user would in the provider's settings.
    func kill(_ call: Call) -> Reply {
        onFamily(call.body) { provider, family, _ in
            provider.end(family: family, .user)
            return Reply(status: .noContent)
        }
    }

    private func onFamily(
        _ fields: Fields, _ body: (inout Provider, _ family: Int, _ token: String) -> Reply
    ) -> Reply {
        guard let token = fields["refresh_token"] else { return .problem(.badRequest, "refresh_token is missing") }
        return withProvider { provider in
            guard let family = provider.family(ofRefreshToken: token) else {
                return .problem(.notFound, "No grant has had this refresh token")
            }
            return body(&provider, family, token)
        }
    }
}
