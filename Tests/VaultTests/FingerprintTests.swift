import Connections
import TestSupport
import Testing
import Vault

/// What finds equal accounts without keeping their names.
@Suite struct FingerprintTests {
    private static func vault() throws -> EnvelopeVault {
        EnvelopeVault(
            master: try #require(MasterKey(base64: EnvelopeVector.masterKeyText)), randomBytes: secureRandomBytes)
    }

    @Test func `the same text of one workspace has the same, in every process`() throws {
        let wrapped = try Self.vault().makeDataKey(for: .numbered(1))
        let key = SealingKey.workspace(.numbered(1), wrapped: wrapped)
        let first = try Self.vault().fingerprint("github:42", under: key)
        let second = try Self.vault().fingerprint("github:42", under: key)
        #expect(first == second)
        #expect(first.utf8.count == 32)
        #expect(first.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) })
    }

    @Test func `another text, another workspace or another data key has another`() throws {
        let vault = try Self.vault()
        func key(_ number: UInt64) throws -> SealingKey {
            .workspace(.numbered(number), wrapped: try vault.makeDataKey(for: .numbered(number)))
        }
        let one = try key(1)
        var seen: Set<String> = []
        for text in ["", "a", "b", "ab"] { seen.insert(try vault.fingerprint(text, under: one)) }
        seen.insert(try vault.fingerprint("a", under: key(1)))
        seen.insert(try vault.fingerprint("a", under: key(2)))
        #expect(seen.count == 6)
    }

    /// It is no seal: HKDF (RFC 5869) sets its key apart from those that seal.
    @Test func `a known key gives a known fingerprint`() throws {
        let vault = try Self.vault()
        let key = SealingKey.record(Secret([UInt8](repeating: 0, count: 32)))
        let print = try vault.fingerprint("github:42", under: key)
        #expect(print == "884aca9a2e7ec42d021057584baf3e76")
    }

    @Test func `a key of another workspace does not open`() throws {
        let vault = try Self.vault()
        let key = SealingKey.workspace(.numbered(2), wrapped: try vault.makeDataKey(for: .numbered(1)))
        #expect(throws: VaultError(.doesNotOpen)) { try vault.fingerprint("a", under: key) }
    }
}
