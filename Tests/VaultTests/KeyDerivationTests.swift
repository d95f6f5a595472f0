import Crypto
import TestSupport
import Testing

@testable import Vault

@Suite struct KeyDerivationTests {
    @Test func saysWhatTheLibrarySays() {
        var random = SplitMix64(seed: 7)
        for round in 0..<500 {
            let key = SymmetricKey(data: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
            let salt = (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
            }
            let info = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
            }
            let count = 1 + round % 100
            let expected = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: key, salt: salt, info: info, outputByteCount: count)
            let derived = KeyDerivation(key: key, salt: salt).expand(info: info, count: count)
            #expect(expected.withUnsafeBytes { Array($0) } == derived)
        }
    }

    /// RFC 5869, test case 1 (with a key of 22 bytes) and its 42 bytes.
    @Test func theStandardsExample() {
        let derived = KeyDerivation(
            key: SymmetricKey(data: Array(repeating: 0x0b as UInt8, count: 22)), salt: Array(0x00...0x0c)
        ).expand(info: Array(0xf0...0xf9), count: 42)
        #expect(
            derived.hexadecimal
                == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    }
}
