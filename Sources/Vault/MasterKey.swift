package import Connections
import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The key that wraps the data keys. It lives in memory and in a file or a variable of the operator's, never in the store.
package struct MasterKey: Sendable {
    let wrapping: WrappingKey

    /// Exactly 32 bytes in base64, white space around it ignored; anything else is `nil`.
    package init?(base64 text: String) {
        let trimmed = text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
        guard let data = Data(base64Encoded: String(trimmed)), data.count == 32 else { return nil }
        wrapping = WrappingKey(SymmetricKey(data: data), keepsID: true)
    }

    /// A new key, in the form that `init(base64:)` reads.
    package static func generate() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    /// Names the key without telling it: 16 hexadecimal digits.
    package var id: String { wrapping.id.hexadecimal }

    /// A value that only this key makes again: kept in the store, it shows a wrong key at the start rather than at use.
    package var checkValue: String {
        HMAC<SHA256>.authenticationCode(for: Array("patchbay master key check v1".utf8), using: wrapping.key)
            .prefix(16).map { $0 }.hexadecimal
    }
}

/// SHA-256 of a token: what API keys are looked up by.
package let sha256Digester: TokenDigester = { token in
    var token = token
    var hash = SHA256()
    token.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    return hash.finalize().withUnsafeBytes { TokenDigest($0) }
}

/// Bytes from the system's generator, by one call for any number that an id, a salt or a key needs.
package func secureRandomBytes(_ count: Int) -> [UInt8] {
    // What getentropy gives at once, by its manual.
    let most = 256
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        var rest = UnsafeMutableRawBufferPointer(buffer)[...]
        while !rest.isEmpty {
            let part = UnsafeMutableRawBufferPointer(rebasing: rest.prefix(most))
            guard let start = part.baseAddress, getentropy(start, part.count) == 0 else {
                // It fails only where the kernel has none. Going on with anything weaker, or with zeros, would make secrets that
                // open for others; nothing is half-written by ending here, since units of work are whole or not at all.
                fatalError("the system has no random numbers")
            }
            rest = rest.dropFirst(part.count)
        }
        filled = count
    }
}

extension [UInt8] {
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
