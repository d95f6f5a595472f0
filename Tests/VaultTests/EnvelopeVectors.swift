import Connections
import TestSupport
import Testing
import Vault

/// Sealed bytes and what is in them, made by another implementation: Tests/Vectors/vault.py prints everything below.
struct EnvelopeVector: CustomTestStringConvertible, Sendable {
    let name: String
    /// Else under the workspace's data key.
    let isUnderRecordKey: Bool
    let place: SealedPlace
    let plaintext: String
    let sealed: String

    var testDescription: String { name }

    var sealedBytes: [UInt8] { [UInt8](hex: sealed) }

    var key: SealingKey {
        isUnderRecordKey
            ? .record(Secret(Self.recordKey)) : .workspace(place.workspace, wrapped: Self.wrappedDataKey)
    }

    /// A vault that has the vectors' master key, and for randomness the bytes given, then zeros.
    static func vault(random: [UInt8] = []) throws -> EnvelopeVault {
        let source = ScriptedBytes(random)
        return EnvelopeVault(master: try #require(MasterKey(base64: masterKeyText))) { source.take($0) }
    }

    static let masterKeyText = "ZzDyer4d4nUmvzG1mAGh0UDH5U24gAt3TwOJgMk1tYw="
    static let masterKeyID = "ec4e6016b8ab5ec6"
    static let masterKeyCheck = "a376f1d0f3ca66d8621a90cabdfcfe02"
    static let dataKey = [UInt8](hex: "cd99c32ab6ab018a6d155067d48876d90d2de1af549f74617981aa24aea38a57")
    static let recordKey = [UInt8](hex: "f4b1123c01417f565383d59402f3fd119f98fbbebf9f3dbea0d7e3dbdf570842")
    static let workspaceText = "wsp_01KDVDNA000000000000000001"
    static let wrappedDataKey = [UInt8](
        hex: """
            01ec4e6016b8ab5ec6000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f92a18ae6c3585b\
            a3832c5c086331e214f4ce20dec6d1d952fae6a6f2c1aaa819fd577b7840bd13680a1962381804db05
            """)

    static let all: [EnvelopeVector] = [
        EnvelopeVector(
            name: "credential data", isUnderRecordKey: true,
            place: SealedPlace(
                workspace: .numbered(1), record: "cred_1", field: "data",
                generation: 1, origins: []),
            plaintext: "7b22626f745f746f6b656e223a22786f78622d31227d",
            sealed: """
                01524d50a095f49aaa202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f62123f180096fa\
                cc9dbe4103034a3992ffa9849fd51b4b38f30e8a478357178c69dff87f8f7f
                """),
        EnvelopeVector(
            name: "record key for keeping", isUnderRecordKey: false,
            place: SealedPlace(
                workspace: .numbered(1), record: "cred_1", field: "record_key",
                generation: 1, origins: []),
            plaintext: "f4b1123c01417f565383d59402f3fd119f98fbbebf9f3dbea0d7e3dbdf570842",
            sealed: """
                01bc1d89513036c92e404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f94e20398928fe2\
                e127c90750414241a638406405b5e81b161d8013814c929d56402f192771477980d8722f3f5a7bffdc
                """),
        EnvelopeVector(
            name: "record key bound to two origins", isUnderRecordKey: false,
            place: SealedPlace(
                workspace: .numbered(1), record: "conn_1", field: "record_key/cred_1",
                generation: 0, origins: ["https://a.example", "https://b.example:8443"]),
            plaintext: "f4b1123c01417f565383d59402f3fd119f98fbbebf9f3dbea0d7e3dbdf570842",
            sealed: """
                01bc1d89513036c92e606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f204f5b5efdb401\
                213209cf63c41573faa5634453bb82898cbd2ef39ed163afb7ecc5569e8c28266ec60075e3906f77e1
                """),
        EnvelopeVector(
            name: "empty", isUnderRecordKey: true,
            place: SealedPlace(
                workspace: .numbered(1), record: "cred_1", field: "data",
                generation: 2, origins: []),
            plaintext: "",
            sealed: """
                01524d50a095f49aaa808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fd79cf67770349b\
                4a41e47faef4a51ee4
                """),
        EnvelopeVector(
            name: "empty place", isUnderRecordKey: false,
            place: SealedPlace(
                workspace: .numbered(1), record: "", field: "",
                generation: 0, origins: []),
            plaintext: "78",
            sealed: """
                01bc1d89513036c92e00000000000000000000000000000000000000000000000000000000000000006f7d0b6b8cfad1\
                7d633f8ddfce4597ff3c
                """),
        EnvelopeVector(
            name: "every byte", isUnderRecordKey: false,
            place: SealedPlace(
                workspace: .numbered(1), record: "conn_1", field: "config",
                generation: 9_223_372_036_854_775_807, origins: [""]),
            plaintext: """
                000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f\
                303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f\
                606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f\
                909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf\
                c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef\
                f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
                """,
            sealed: """
                01bc1d89513036c92effffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7aae035ad69e7d\
                0da6744514dc336664f8a5f85ba39c02e066802e6e54f339b66c5192d7adf1aba7d0089e41572a777add310443ff6c8a\
                8e6ade36724e0dae10a21f6d33eb4b0d047599bc9b0d0122581867f5311906dfd7034fa99c939910df53f8b48225ec6a\
                dd31a5686abaa989e79186e279492f7273d5d664e93d9ec35aea9688c7cad469c88c052b809eabd084782ffd8352c41b\
                93ae0494ebd9fb2f0cbc89cf13830502230a201e4cf671c765aacea7ef7f77ab37d00f88b133d8c3f0dedd60a8afbd73\
                d97d91089c9635e834a6b73293f58a6621c209f5a3ff4da58c0801466688a8ae62911791222692d88e07878768b26635\
                73df7a062a08ff1972b96d5ad2a7b67388a56149375dcbbece
                """),
        EnvelopeVector(
            name: "beyond ASCII", isUnderRecordKey: true,
            place: SealedPlace(
                workspace: .numbered(1), record: "cred_\u{E9}", field: "feld/\u{1F600}",
                generation: -1, origins: ["host=\"m\u{FC}nchen\""]),
            plaintext: "70c3a47373776f726420f09f9491",
            sealed: """
                01524d50a095f49aaaa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfd675bb3db6a8da\
                3c31aab141a679c5144cf15b8c0f38261e8c67ad3e5e83
                """),
    ]
}
