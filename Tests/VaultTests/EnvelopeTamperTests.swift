import Connections
import TestSupport
import Testing
import Vault

/// A sealed value in which anything was changed does not open, and says no more than it must.
@Suite struct EnvelopeTamperTests {
    struct Region: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: Range<Int>
        let code: VaultError.Code
    }

    private static let headerLength = 1 + 8 + 32
    private static let tagLength = 16

    private static func regions(of sealed: [UInt8]) -> [Region] {
        let tagStart = sealed.count - tagLength
        return [
            Region(testDescription: "version", bytes: 0..<1, code: .malformed),
            Region(testDescription: "key id", bytes: 1..<9, code: .keyUnknown),
            Region(testDescription: "salt", bytes: 9..<headerLength, code: .doesNotOpen),
            Region(testDescription: "ciphertext", bytes: headerLength..<tagStart, code: .doesNotOpen),
            Region(testDescription: "tag", bytes: tagStart..<sealed.count, code: .doesNotOpen),
        ]
    }

    /// Every bit of every byte of every vector.
    @Test(arguments: EnvelopeVector.all)
    func flippedBits(_ vector: EnvelopeVector) throws {
        let vault = try EnvelopeVector.vault()
        let sealed = vector.sealedBytes
        for region in Self.regions(of: sealed) {
            for index in region.bytes {
                for bit in 0..<8 {
                    var tampered = sealed
                    tampered[index] ^= UInt8(1 << bit)
                    #expect(throws: VaultError(region.code), "\(region.testDescription), byte \(index), bit \(bit)") {
                        try vault.open(tampered, under: vector.key, for: vector.place)
                    }
                }
            }
        }
    }

    @Test(arguments: EnvelopeVector.all)
    func truncated(_ vector: EnvelopeVector) throws {
        let vault = try EnvelopeVector.vault()
        let sealed = vector.sealedBytes
        for count in sealed.indices {
            let isTooShort = count < Self.headerLength + Self.tagLength
            #expect(throws: VaultError(isTooShort ? .malformed : .doesNotOpen), "first \(count) bytes") {
                try vault.open(Array(sealed[..<count]), under: vector.key, for: vector.place)
            }
        }
    }

    @Test(arguments: EnvelopeVector.all)
    func extended(_ vector: EnvelopeVector) throws {
        let vault = try EnvelopeVector.vault()
        #expect(throws: VaultError(.doesNotOpen)) {
            try vault.open(vector.sealedBytes + [0], under: vector.key, for: vector.place)
        }
        #expect(throws: VaultError.self) {
            try vault.open([0] + vector.sealedBytes, under: vector.key, for: vector.place)
        }
    }

    @Test func partsOfTwoEnvelopesDoNotMix() throws {
        let vault = EnvelopeVault(
            master: try #require(MasterKey(base64: EnvelopeVector.masterKeyText)), randomBytes: secureRandomBytes)
        let key = SealingKey.record(Secret(EnvelopeVector.recordKey))
        let place = SealedPlace(workspace: .numbered(1), record: "r", field: "f")
        let first = try vault.seal(Secret("first value"), under: key, for: place)
        let second = try vault.seal(Secret("other value"), under: key, for: place)
        for cut in [25, Self.headerLength, first.count - Self.tagLength] {
            #expect(throws: VaultError(.doesNotOpen), "cut at \(cut)") {
                try vault.open(Array(first[..<cut]) + Array(second[cut...]), under: key, for: place)
            }
        }
    }

    @Test func theErrorSaysNothingOfTheSecretOrTheKey() {
        #expect("\(VaultError(.doesNotOpen))" == "VaultError(doesNotOpen)")
    }
}
