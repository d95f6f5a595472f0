import Connections
import TestSupport
import Testing
import Vault

@Suite struct EnvelopeVaultTests {
    @Test(arguments: EnvelopeVector.all)
    func opensWhatAnotherImplementationSealed(_ vector: EnvelopeVector) throws {
        let secret = try EnvelopeVector.vault().open(vector.sealedBytes, under: vector.key, for: vector.place)
        #expect(secret.opened == [UInt8](hex: vector.plaintext))
    }

    @Test(arguments: EnvelopeVector.all)
    func sealsAsAnotherImplementationDoes(_ vector: EnvelopeVector) throws {
        let salt = Array(vector.sealedBytes[9..<41])
        let sealed = try EnvelopeVector.vault(random: salt).seal(
            Secret([UInt8](hex: vector.plaintext)), under: vector.key, for: vector.place)
        #expect(sealed == vector.sealedBytes)
    }

    @Test func wrapsADataKeyAsAnotherImplementationDoes() throws {
        let salt = (0..<32).map { UInt8($0) }
        let vault = try EnvelopeVector.vault(random: EnvelopeVector.dataKey + salt)
        #expect(try vault.makeDataKey(for: .numbered(1)) == EnvelopeVector.wrappedDataKey)
    }

    @Test func theVectorsNameTheirWorkspaceAsWeWriteIt() {
        #expect(WorkspaceID.numbered(1).description == EnvelopeVector.workspaceText)
    }

    @Test func makesRecordKeysOfThirtyTwoRandomBytes() throws {
        let vault = try EnvelopeVector.vault(random: EnvelopeVector.recordKey)
        #expect(vault.makeRecordKey().opened == EnvelopeVector.recordKey)
    }

    /// Through every level with the system's randomness, twice, so that the second opening finds the data key in memory.
    @Test(arguments: [0, 1, 16, 4_096])
    func roundTrip(size: Int) throws {
        let master = try #require(MasterKey(base64: MasterKey.generate()))
        let vault = EnvelopeVault(master: master, randomBytes: secureRandomBytes)
        let workspace = WorkspaceID.numbered(7)
        let key = SealingKey.workspace(workspace, wrapped: try vault.makeDataKey(for: workspace))
        let recordKey = vault.makeRecordKey()
        let plaintext = secureRandomBytes(size)

        let keyPlace = SealedPlace(workspace: workspace, record: "cred", field: "record_key", generation: 3)
        let wrapped = try vault.seal(recordKey, under: key, for: keyPlace)
        let place = SealedPlace(workspace: workspace, record: "cred", field: "data", generation: 3)
        let sealed = try vault.seal(Secret(plaintext), under: .record(recordKey), for: place)
        #expect(sealed.count == 1 + 8 + 32 + size + 16)

        for _ in 0..<2 {
            let opened = try vault.open(wrapped, under: key, for: keyPlace)
            #expect(try vault.open(sealed, under: .record(opened), for: place).opened == plaintext)
        }
    }

    @Test func twoSealsOfTheSameShareNothingButTheHeader() throws {
        let vault = EnvelopeVault(
            master: try #require(MasterKey(base64: EnvelopeVector.masterKeyText)), randomBytes: secureRandomBytes)
        let vector = try #require(EnvelopeVector.all.first)
        let secret = Secret([UInt8](hex: vector.plaintext))
        let first = try vault.seal(secret, under: vector.key, for: vector.place)
        let second = try vault.seal(secret, under: vector.key, for: vector.place)
        #expect(first[..<9] == second[..<9])
        #expect(first[9...] != second[9...])
    }

    // MARK: Keys that are not the right one

    @Test func anotherMasterKeyOpensNothing() throws {
        let vault = EnvelopeVault(
            master: try #require(MasterKey(base64: MasterKey.generate())), randomBytes: secureRandomBytes)
        let place = SealedPlace(workspace: .numbered(1), record: "", field: "")
        let key = SealingKey.workspace(.numbered(1), wrapped: EnvelopeVector.wrappedDataKey)
        #expect(throws: VaultError(.keyUnknown)) { try vault.seal(Secret("x"), under: key, for: place) }
        #expect(throws: VaultError(.keyUnknown)) {
            try vault.open(EnvelopeVector.wrappedDataKey, under: key, for: place)
        }
    }

    @Test func anotherRecordKeyOpensNothing() throws {
        let vector = try #require(EnvelopeVector.all.first)
        let other = SealingKey.record(Secret([UInt8](repeating: 7, count: 32)))
        #expect(throws: VaultError(.keyUnknown)) {
            try EnvelopeVector.vault().open(vector.sealedBytes, under: other, for: vector.place)
        }
    }

    /// The data key in memory serves only the workspace that it was unwrapped for.
    @Test func theDataKeyOfOneWorkspaceIsNoneForAnother() throws {
        let vault = try EnvelopeVector.vault()
        let vector = try #require(EnvelopeVector.all.first { !$0.isUnderRecordKey })
        for _ in 0..<2 {
            #expect(try vault.open(vector.sealedBytes, under: vector.key, for: vector.place).count == 32)
            let stolen = SealingKey.workspace(.numbered(2), wrapped: EnvelopeVector.wrappedDataKey)
            #expect(throws: VaultError(.doesNotOpen)) {
                try vault.open(vector.sealedBytes, under: stolen, for: vector.place)
            }
            #expect(throws: VaultError(.doesNotOpen)) { try vault.seal(Secret("x"), under: stolen, for: vector.place) }
        }
    }

    @Test func aDataKeyThatIsNoEnvelopeIsRefused() throws {
        let key = SealingKey.workspace(.numbered(1), wrapped: [])
        #expect(throws: VaultError(.malformed)) {
            try EnvelopeVector.vault().seal(
                Secret("x"), under: key, for: SealedPlace(workspace: .numbered(1), record: "", field: ""))
        }
    }
}
