/// SHA-256 of a whole token: all that is kept of it, and what it is looked up by.
package struct TokenDigest: Sendable, Hashable {
    // Four words rather than a SIMD vector: 32-byte alignment breaks async frames of Swift 6.3, and bytes would allocate.
    private let first, second, third, fourth: UInt64

    /// Exactly 32 bytes.
    package init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 32, "a digest has 32 bytes")
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        (first, second, third, fourth) = (word(0), word(1), word(2), word(3))
    }

    package var bytes: [UInt8] {
        [first, second, third, fourth].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }
}

/// SHA-256 of a token's bytes.
package typealias TokenDigester = @Sendable (_ token: String) -> TokenDigest

package struct APIKey: Sendable {
    package let id: APIKeyID
    /// `nil` for an instance-wide key.
    package let workspaceID: WorkspaceID?
    package var label: String
    package var status: Availability
    package var permissions: Permissions
    package var expiresAt: Timestamp?
    package var ipWhitelist: [IPRange]?
    /// Mielto's collection ids: kept and shown, without meaning here.
    package var collections: [String]?
    package let createdBy: String
    package let createdAt: Timestamp
    package var updatedAt: Timestamp
    package var lastUsedAt: Timestamp?
    package var revision: Int64

    package init(
        id: APIKeyID, workspaceID: WorkspaceID?, label: String, status: Availability = .active,
        permissions: Permissions, expiresAt: Timestamp? = nil, ipWhitelist: [IPRange]? = nil,
        collections: [String]? = nil, createdBy: String, createdAt: Timestamp, updatedAt: Timestamp,
        lastUsedAt: Timestamp? = nil, revision: Int64 = 1
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.label = label
        self.status = status
        self.permissions = permissions
        self.expiresAt = expiresAt
        self.ipWhitelist = ipWhitelist
        self.collections = collections
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.lastUsedAt = lastUsedAt
        self.revision = revision
    }

    /// The part of the token that may be shown.
    package var publicPart: String { "pbk_\(id.ulidText)" }

    package var principal: Principal {
        Principal(
            identity: .apiKey(id: id, label: label, workspace: workspaceID), permissions: permissions,
            expiresAt: expiresAt, ipRanges: ipWhitelist)
    }
}

extension Identifier {
    /// The identifier without its prefix.
    package var ulidText: String {
        var bytes: [UInt8] = []
        ulid.append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
