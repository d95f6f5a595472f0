import Connections
import TestSupport
import Testing

@Suite struct IdentifierTests {
    @Test(arguments: [
        "conn_00000000000000000000000000", "conn_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "conn_01KDVDNA000000000000000001",
        "conn_0123456789ABCDEFGHJKMNPQRS", "conn_0TVWXYZ0000000000000000000",
    ])
    func accepted(_ text: String) throws {
        let id = try #require(ConnectionID(text))
        #expect(id.description == text)
        #expect(ConnectionID(id.ulid) == id)
        #expect(Self.fromBytes(text) == id)
        #expect(id.ulidText == String(text.dropFirst(5)))
    }

    @Test(arguments: [
        "", "conn_", "conn", "01KDVDNA000000000000000001", "_01KDVDNA000000000000000001",
        // Another kind's prefix, and none of ours.
        "cred_01KDVDNA000000000000000001", "wsp_01KDVDNA000000000000000001", "CONN_01KDVDNA000000000000000001",
        "Conn_01KDVDNA000000000000000001", "conn-01KDVDNA000000000000000001", "connn01KDVDNA000000000000000001",
        // One character too few or too many.
        "conn_1KDVDNA000000000000000001", "conn_001KDVDNA000000000000000001", "conn_conn_01KDVDNA000000000000000001",
        // Lower case, and the letters that Crockford leaves out.
        "conn_01kdvdna000000000000000001", "conn_01KDVDNA00000000000000000a", "conn_01KDVDNA00000000000000000I",
        "conn_01KDVDNA00000000000000000L", "conn_01KDVDNA00000000000000000O", "conn_01KDVDNA00000000000000000U",
        // More than 128 bits.
        "conn_80000000000000000000000000", "conn_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "conn_Z1KDVDNA000000000000000001",
        // White space and other bytes, of the right length and not.
        " conn_01KDVDNA000000000000000001", "conn_01KDVDNA000000000000000001 ", "conn_01KDVDNA000000000000000001\n",
        "conn_01KDVDNA00000000000000000 ", "conn_01KDVDNA00000000000000000\0", "conn_01KDVDNA00000000000000000-",
        "conn_01KDVDNA00000000000000000%", "conn_01KDVDNA00000000000000000'", "conn_01KDVDNA00000000000000000/",
        "conn_01KDVDNA0000000000000000\u{E9}", "conn_01KDVDNA000000000000000\u{FF11}",
    ])
    func refused(_ text: String) {
        #expect(ConnectionID(text) == nil)
        #expect(Self.fromBytes(text) == nil)
    }

    private static func fromBytes(_ text: String) -> ConnectionID? {
        Array(text.utf8).withUnsafeBytes { ConnectionID(utf8: $0) }
    }

    @Test func everyKindHasItsPrefix() {
        #expect(ConnectionID.numbered(1).description == "conn_01KDVDNA000000000000000001")
        #expect(CredentialID.numbered(1).description == "cred_01KDVDNA000000000000000001")
        #expect(WorkspaceID.numbered(1).description == "wsp_01KDVDNA000000000000000001")
        #expect(APIKeyID.numbered(1).description == "key_01KDVDNA000000000000000001")
        #expect(EventID.numbered(1).description == "evt_01KDVDNA000000000000000001")
    }

    @Test func orderIsByTimeThenNumber() {
        let ids = [ConnectionID(ULID(high: 0, low: .max)), .numbered(0), .numbered(1), .numbered(.max)]
        #expect(ids.sorted().map(\.description) == ids.map(\.description))
        #expect(ids.map(\.description).sorted() == ids.map(\.description))
    }
}
