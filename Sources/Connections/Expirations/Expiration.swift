/// Something that ends at a known moment.
package struct Expiration: Sendable, Equatable {
    /// In the order in which those of one moment are listed.
    package enum Kind: String, Sendable, CaseIterable {
        case accessToken = "access_token"
        case refreshToken = "refresh_token"
        case apiKey = "api_key"
        case clientSecret = "client_secret"
        /// One that the other side of a connection showed in a test.
        case certificate
        case credential
        /// A key that users' tokens are checked with.
        case jwtKey = "jwt_key"
    }

    package let kind: Kind
    package let expiresAt: Timestamp
    /// The id of the credential, key, app or connection that it belongs to.
    package let subject: String
    package let label: String?
    /// Nobody has to do anything: it is replaced before its end, or there is another one already.
    package let renewsItself: Bool
    /// Those that stand or fall with it, newest first, at most `maxConnections`.
    package var connections: [ConnectionID]

    package static let maxConnections = 100

    package init(
        _ kind: Kind, of subject: String, at expiresAt: Timestamp, label: String?, renewsItself: Bool,
        connections: [ConnectionID] = []
    ) {
        self.kind = kind
        self.subject = subject
        self.expiresAt = expiresAt
        self.label = label
        self.renewsItself = renewsItself
        self.connections = connections
    }

    /// Where it stands in the calendar.
    package var place: Place { Place(time: expiresAt, kind: kind, subject: subject) }

    /// By time, then by kind, then by subject.
    package struct Place: Sendable, Equatable, Comparable {
        package let time: Timestamp
        package let kind: Kind
        package let subject: String

        package init(time: Timestamp, kind: Kind, subject: String) {
            self.time = time
            self.kind = kind
            self.subject = subject
        }

        package static func < (a: Place, b: Place) -> Bool {
            if a.time != b.time { return a.time < b.time }
            if a.kind != b.kind { return a.kind.order < b.kind.order }
            // Bytes, as the store compares them.
            return a.subject.utf8.lexicographicallyPrecedes(b.subject.utf8)
        }
    }
}

extension Expiration.Kind {
    package var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// How long before an end somebody is told of it, in days. Of those that have passed only the nearest counts.
package enum ExpiryThreshold {
    package static let days = [1, 7, 30]

    /// `nil` while the end is further off than all of them, and once it has passed.
    package static func days(from now: Timestamp, to end: Timestamp) -> Int? {
        guard end > now else { return nil }
        return days.first { end <= now.advanced(bySeconds: Int64($0) * 86_400) }
    }
}
