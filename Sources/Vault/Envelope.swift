import Connections
import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The one place where bytes are sealed.
///
///     version (1) | key id (8) | salt (32) | ciphertext | tag (16)
///
/// Every seal derives a key and nonce of its own by HKDF-SHA256 from the wrapping key and a random salt, then seals with
/// AES-256-GCM. The associated data is the version and the place, each part with its length before it, so that no two
/// places can be written alike.
enum Envelope {
    static let version: UInt8 = 1
    static let keyIDLength = 8
    static let saltLength = 32
    private static let headerLength = 1 + keyIDLength + saltLength
    private static let tagLength = 16

    static func seal(
        _ plaintext: UnsafeRawBufferPointer, under key: WrappingKey, place: [UInt8], salt: [UInt8]
    ) throws -> [UInt8] {
        let header = [version] + key.id + salt
        let derived = derive(from: key.key, salt: salt)
        let box = try AES.GCM.seal(
            plaintext, using: derived.key, nonce: AES.GCM.Nonce(data: derived.nonce), authenticating: header + place)
        return header + box.ciphertext + box.tag
    }

    static func open(_ sealed: [UInt8], under key: WrappingKey, place: [UInt8]) throws -> Data {
        guard sealed.count >= headerLength + tagLength, sealed[0] == version else { throw VaultError(.malformed) }
        let header = sealed[..<headerLength]
        let derived = derive(from: key.key, salt: Array(header.suffix(saltLength)))
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: derived.nonce),
                ciphertext: sealed[headerLength..<(sealed.count - tagLength)], tag: sealed.suffix(tagLength))
            return try AES.GCM.open(box, using: derived.key, authenticating: header + place)
        } catch {
            let isKeyKnown = header[1..<(1 + keyIDLength)].elementsEqual(key.id)
            throw VaultError(isKeyKnown ? .doesNotOpen : .keyUnknown)
        }
    }

    /// Names a key without telling it.
    static func keyID(of key: SymmetricKey) -> [UInt8] {
        expand(key, salt: [], info: "patchbay key id", count: keyIDLength).withUnsafeBytes { Array($0) }
    }

    private static func derive(from key: SymmetricKey, salt: [UInt8]) -> (key: SymmetricKey, nonce: [UInt8]) {
        let bytes = expand(key, salt: salt, info: "patchbay seal v1", count: 32 + 12)
        return bytes.withUnsafeBytes { bytes in
            (SymmetricKey(data: bytes[..<32]), Array(bytes[32...]))
        }
    }

    private static func expand(_ key: SymmetricKey, salt: [UInt8], info: String, count: Int) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: key, salt: salt, info: Array(info.utf8), outputByteCount: count)
    }
}

/// A key with its name, which costs half as much to find out as a seal does: one that is used again keeps it.
struct WrappingKey: Sendable {
    let key: SymmetricKey
    private let keptID: [UInt8]?

    init(_ key: SymmetricKey, keepsID: Bool) {
        self.key = key
        keptID = keepsID ? Envelope.keyID(of: key) : nil
    }

    var id: [UInt8] { keptID ?? Envelope.keyID(of: key) }
}

extension SealedPlace {
    /// Every part with its length before it.
    var associatedData: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendPart(workspace.description)
        bytes.appendPart(record)
        bytes.appendPart(field)
        bytes.appendPart(String(generation))
        bytes.appendPart(String(origins.count))
        for origin in origins { bytes.appendPart(origin) }
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func appendPart(_ part: String) {
        let count = UInt32(part.utf8.count)
        append(contentsOf: (0..<4).map { UInt8(truncatingIfNeeded: count >> UInt32(24 - 8 * $0)) })
        append(contentsOf: part.utf8)
    }
}
