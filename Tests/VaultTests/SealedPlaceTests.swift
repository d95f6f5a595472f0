import Connections
import TestSupport
import Testing
import Vault

/// A sealed value opens in its own place and in no other.
@Suite struct SealedPlaceTests {
    struct Move: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let from: SealedPlace
        let to: SealedPlace

        init(
            _ name: String, from: SealedPlace = SealedPlaceTests.place(), to: SealedPlace = SealedPlaceTests.place()
        ) {
            testDescription = name
            self.from = from
            self.to = to
        }
    }

    static func place(
        workspace: UInt64 = 1, record: String = "conn_1", field: String = "config", generation: Int64 = 1,
        origins: [String] = ["https://a.example", "https://b.example"]
    ) -> SealedPlace {
        SealedPlace(
            workspace: .numbered(workspace), record: record, field: field, generation: generation, origins: origins)
    }

    static let moves: [Move] = [
        Move("another workspace", to: place(workspace: 2)),
        Move("another record", to: place(record: "conn_2")),
        Move("no record", to: place(record: "")),
        Move("another field", to: place(field: "data")),
        Move("another generation", to: place(generation: 2)),
        Move("an older generation", to: place(generation: 0)),
        Move("no origin", to: place(origins: [])),
        Move("one origin fewer", to: place(origins: ["https://a.example"])),
        Move("one origin more", to: place(origins: ["https://a.example", "https://b.example", "https://c.example"])),
        Move("another origin", to: place(origins: ["https://a.example", "https://evil.example"])),
        Move("another port", to: place(origins: ["https://a.example", "https://b.example:8443"])),
        Move("another scheme", to: place(origins: ["http://a.example", "https://b.example"])),
        Move("another order", to: place(origins: ["https://b.example", "https://a.example"])),
        // Parts whose text is the same when it is put together.
        Move("shifted parts", from: place(record: "ab", field: "c"), to: place(record: "a", field: "bc")),
        Move("joined origins", from: place(origins: ["ab"]), to: place(origins: ["a", "b"])),
        Move("an empty origin is one", from: place(origins: [""]), to: place(origins: [])),
        Move("origins into the field", from: place(field: "f", origins: ["g"]), to: place(field: "fg", origins: [])),
        Move(
            "generation into the field", from: place(field: "f1", generation: 1), to: place(field: "f", generation: 11)),
        Move("lengths told in the text", from: place(record: "\0\0\0\u{1}a"), to: place(record: "a")),
        Move("U+0000 at the end", from: place(record: "a\0"), to: place(record: "a")),
        Move("composed and decomposed", from: place(record: "\u{E9}"), to: place(record: "e\u{301}")),
        Move("upper case", from: place(record: "conn_a"), to: place(record: "conn_A")),
    ]

    @Test(arguments: SealedPlaceTests.moves)
    func moved(_ move: Move) throws {
        let vault = try EnvelopeVector.vault()
        let keys = [
            SealingKey.record(Secret(EnvelopeVector.recordKey)),
            SealingKey.workspace(.numbered(1), wrapped: EnvelopeVector.wrappedDataKey),
        ]
        for key in keys {
            let sealed = try vault.seal(Secret("xoxb-secret"), under: key, for: move.from)
            #expect(try vault.open(sealed, under: key, for: move.from).opened == Array("xoxb-secret".utf8))
            #expect(throws: VaultError(.doesNotOpen)) { try vault.open(sealed, under: key, for: move.to) }
        }
    }

    /// Not even where a row's place is written like the data key's own: a data key does not open itself.
    @Test func aWrappedDataKeyDoesNotOpenAsARow() throws {
        let vault = try EnvelopeVector.vault()
        let key = SealingKey.workspace(.numbered(1), wrapped: EnvelopeVector.wrappedDataKey)
        let place = SealedPlace(
            workspace: .numbered(1), record: WorkspaceID.numbered(1).description, field: "data_key")
        #expect(throws: VaultError(.keyUnknown)) {
            try vault.open(EnvelopeVector.wrappedDataKey, under: key, for: place)
        }
    }
}
