import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import OAuth

@Suite struct ImportRowTests {
    struct Refused: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let row: String
        let errors: [String]

        init(_ name: String, _ row: String, _ errors: String...) {
            testDescription = name
            self.row = row
            self.errors = errors
        }
    }

    static let least = #""integration":"slack","external_id":"c1","credentials":{"access_token":"t0k3n"}"#

    @Test(arguments: [
        Refused("no object", "[]", "A row is a JSON object"),
        Refused(
            "nothing in it", "{}", "Field 'integration' is required", "Field 'external_id' is required",
            "Field 'credentials' is required"),
        Refused(
            "null is nothing", "{\(least.replacing("\"slack\"", with: "null"))}", "Field 'integration' is required"),
        Refused("a number for text", "{\(least),\"user_id\":7}", "Field 'user_id' must be text of 1 to 255 characters"),
        Refused("U+0000", #"{\#(least),"user_id":"a\u0000"}"#, "Field 'user_id' must be text of 1 to 255 characters"),
        Refused(
            "a list with something else in it", "{\(least),\"scopes\":[\"a\",1]}",
            "Field 'scopes' must be a list of up to 200 texts of 1 to 512 characters"),
        Refused("config that is none", "{\(least),\"config\":[]}", "Field 'config' must be an object"),
        Refused("an app that is none", "{\(least),\"app_id\":\"x\"}", "Field 'app_id' must be the id of an OAuth app"),
        Refused(
            "a time that is none", #"{\#(least.dropLast()),"expires_at":"t0k3n"}}"#,
            "Field 'credentials.expires_at' must be a time as in 2026-01-31T12:00:00Z, or seconds since 1970"),
        Refused(
            "a misspelt field", "{\(least),\"t0k3n\":1}",
            "Unknown fields: a row has integration, auth_method_id, external_id, user_id, label, config, tags, metadata, "
                + "credentials, scopes, client_id, app_id"),
    ])
    func `a row that is refused says all that is wrong and repeats nothing`(_ refused: Refused) throws {
        let refusal = #expect(throws: ImportRefusal.self) {
            try ImportRow(JSONSlice(parsing: Array(refused.row.utf8)), line: 1)
        }
        #expect(refusal?.errors == refused.errors)
        #expect(refusal?.errors.contains { $0.contains("t0k3n") } == false)
    }

    struct Time: CustomTestStringConvertible, Sendable {
        let written: String
        let kept: String?

        var testDescription: String { written }
    }

    @Test(arguments: [
        Time(written: #""2026-01-31T12:00:00Z""#, kept: "2026-01-31T12:00:00.000000Z"),
        Time(written: #""2026-01-31 12:00:00+01:00""#, kept: "2026-01-31T11:00:00.000000Z"),
        Time(written: "1769860800", kept: "2026-01-31T12:00:00.000000Z"),
        Time(written: #""1769860800""#, kept: "2026-01-31T12:00:00.000000Z"),
        Time(written: "1769860800123", kept: "2026-01-31T12:00:00.123000Z"),
        Time(written: "null", kept: nil),
    ])
    func `the end of a token comes in many forms and is kept in one`(_ time: Time) throws {
        let row = try ImportRow(
            .literal("{\(Self.least.dropLast()),\"expires_at\":\(time.written)}}"), line: 1)
        #expect(row.credentials["expires_at"]?.slice.string == time.kept)
    }

    @Test func `a row comes through whole`() throws {
        let row = try ImportRow(
            .literal(
                #"{"label":"Ü","tags":["a"],"metadata":{"n":1.0},"config":{"k":[1]},"user_id":"u","scopes":["r"],"#
                    + #""client_id":"c","app_id":"app_01ARZ3NDEKTSV4RRFFQ69G5FAV","auth_method_id":"m",\#(Self.least)}"#
            ),
            line: 7)
        #expect(row.line == 7)
        #expect(row.label == JSONText("Ü"))
        #expect(row.metadata?.string == #"{"n":1.0}"#)
        #expect(row.config?.text.string == #"{"k":[1]}"#)
        #expect(row.tags?.string == #"["a"]"#)
        #expect([row.userID, row.clientID, row.authMethodID] == ["u", "c", "m"])
        #expect(row.appID != nil)
        #expect(!row.hasRefreshToken)
    }

    @Test func `a reader refuses what stands in an import twice`() {
        var reader = ImportReader()
        let row = Array("{\(Self.least)}".utf8)
        guard case .row = reader.read(row, line: 1) else {
            Issue.record("the first one is refused")
            return
        }
        let refusals = [
            (row, "line 1"), (Array("{".utf8), "Not JSON"), ([UInt8](repeating: 32, count: 65_537), "65536"),
        ]
        for (bytes, word) in refusals {
            guard case .refused(let result) = reader.read(bytes, line: 2) else {
                Issue.record("\(word) is taken")
                continue
            }
            #expect(result.status == .failed)
            #expect(result.errors.first?.contains(word) == true)
        }
        // Another integration's customer of the same name.
        let other = "{\(Self.least)}".replacing("slack", with: "github")
        guard case .row = reader.read(Array(other.utf8), line: 3) else {
            Issue.record("another integration is refused")
            return
        }
    }
}
