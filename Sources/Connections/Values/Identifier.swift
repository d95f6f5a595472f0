/// What an identifier names; its prefix keeps a credential's id from being taken for a connection's.
package protocol IdentifierKind: Sendable {
    static var prefix: StaticString { get }
}

package enum ConnectionKind: IdentifierKind { package static let prefix: StaticString = "conn_" }
package enum CredentialKind: IdentifierKind { package static let prefix: StaticString = "cred_" }
package enum WorkspaceKind: IdentifierKind { package static let prefix: StaticString = "wsp_" }
package enum APIKeyKind: IdentifierKind { package static let prefix: StaticString = "key_" }
package enum EventKind: IdentifierKind { package static let prefix: StaticString = "evt_" }
package enum OAuthAppKind: IdentifierKind { package static let prefix: StaticString = "app_" }
package enum AuthorizationFlowKind: IdentifierKind { package static let prefix: StaticString = "flow_" }
package enum RevocationKind: IdentifierKind { package static let prefix: StaticString = "rev_" }
package enum WebhookKind: IdentifierKind { package static let prefix: StaticString = "whk_" }

package typealias ConnectionID = Identifier<ConnectionKind>
package typealias CredentialID = Identifier<CredentialKind>
package typealias WorkspaceID = Identifier<WorkspaceKind>
package typealias APIKeyID = Identifier<APIKeyKind>
package typealias EventID = Identifier<EventKind>
package typealias OAuthAppID = Identifier<OAuthAppKind>
package typealias AuthorizationFlowID = Identifier<AuthorizationFlowKind>
package typealias RevocationID = Identifier<RevocationKind>
package typealias WebhookID = Identifier<WebhookKind>

/// A prefix and a ULID. It is sixteen bytes and allocates nothing, so that a row is read without building strings.
package struct Identifier<Kind: IdentifierKind>: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let ulid: ULID

    // Inlinable, so that it is specialized where rows and answers are made: a generic call across modules looks up metadata.
    @inlinable
    package init(_ ulid: ULID) { self.ulid = ulid }

    /// Strict: anything but the prefix and 26 Crockford characters is `nil`.
    package init?(_ text: some StringProtocol) {
        var text = String(text)
        guard let id = text.withUTF8({ Self(utf8: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = id
    }

    @inlinable
    package init?(utf8 bytes: UnsafeRawBufferPointer) {
        let prefix = Kind.prefix
        let length = prefix.utf8CodeUnitCount
        guard bytes.count == length + ULID.length else { return nil }
        for index in 0..<length where bytes[index] != prefix.utf8Start[index] { return nil }
        guard let ulid = ULID(UnsafeRawBufferPointer(rebasing: bytes[length...])) else { return nil }
        self.ulid = ulid
    }

    @inlinable
    package func append(to bytes: inout [UInt8]) {
        Kind.prefix.withUTF8Buffer { bytes.append(contentsOf: $0) }
        ulid.append(to: &bytes)
    }

    package var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    package static func < (a: Self, b: Self) -> Bool { a.ulid < b.ulid }
}
