import LosslessJSON

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a webhook's messages are signed with: 32 random bytes, which their receiver writes as `whsec_` and base64.
package struct SigningKey: Sendable {
    /// The bytes themselves.
    package let secret: Secret

    private static let prefix = "whsec_"
    private static let size = 32
    private static let field = "signing_secret"

    package init(random ambient: Ambient) {
        secret = Secret(ambient.randomBytes(Self.size))
    }

    /// `nil` unless it is written as `text` writes it.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix), let bytes = Data(base64Encoded: String(text.dropFirst(Self.prefix.count)))
        else { return nil }
        secret = Secret(Array(bytes))
    }

    /// As its receiver has to know it: shown once.
    package var text: Secret {
        secret.withBytes { Secret(Self.prefix + Data($0).base64EncodedString()) }
    }

    // MARK: Keeping

    func sealed(of webhook: WebhookID, generation: Int64, keeper: SecretKeeper) throws -> SealedSigningSecret {
        var data = JSONObject()
        text.withBytes { data["secret"] = JSONText(String(decoding: $0, as: UTF8.self)) }
        return SealedSigningSecret(
            bytes: try keeper.seal(data, of: webhook.description, field: Self.field, generation: generation),
            generation: generation)
    }

    /// Throws `VaultError` where it does not open for this webhook.
    init(opening sealed: SealedSigningSecret, of webhook: WebhookID, keeper: SecretKeeper) throws {
        let data = try keeper.open(
            sealed.bytes, of: webhook.description, field: Self.field, generation: sealed.generation)
        guard let text = data["secret"]?.slice.string, let key = SigningKey(text) else {
            throw VaultError(.malformed)
        }
        self = key
    }
}

/// The keys of one webhook, opened: for as long as somebody works with them.
package struct SigningKeys: Sendable {
    private let current: SigningKey
    private let previous: (key: SigningKey, until: Timestamp)?

    package init(of webhook: Webhook, keeper: SecretKeeper) throws {
        current = try SigningKey(opening: webhook.secret, of: webhook.id, keeper: keeper)
        previous =
            if let sealed = webhook.previousSecret, let until = webhook.previousSecretExpiresAt {
                (try SigningKey(opening: sealed, of: webhook.id, keeper: keeper), until)
            } else { nil }
    }

    /// The newest first; two during a rotation.
    package func valid(at now: Timestamp) -> [SigningKey] {
        guard let previous, now < previous.until else { return [current] }
        return [current, previous.key]
    }
}
