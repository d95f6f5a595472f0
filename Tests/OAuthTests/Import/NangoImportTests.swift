import LosslessJSON
import TestSupport
import Testing

@testable import OAuth

@Suite struct NangoImportTests {
    private static let exported = """
        {"id": 1, "connection_id": "c-1", "provider_config_key": "my-gmail", "provider": "google-mail",
         "end_user": {"id": "u-1", "email": "a@b.c", "display_name": null, "organization": null},
         "connection_config": {"subdomain": "acme", "oauth_scopes": "x"}, "metadata": {"plan": 1.0}, "tags": {},
         "credentials": {"type": "OAUTH2", "access_token": "at", "refresh_token": "rt",
          "expires_at": "2026-01-31T12:00:00.000Z", "config_override": {},
          "raw": {"scope": "read,write", "token_type": "Bearer"}}}
        """

    private func rows(
        _ text: String, integrations: [String: String] = [:], clients: [String: String] = [:],
        configKeys: [String: String] = [:]
    ) throws -> [ImportLine] {
        try NangoImport(integrations: integrations, clients: clients, configKeys: configKeys)
            .lines(of: Array(text.utf8))
    }

    @Test func `a connection becomes a row that is taken`() throws {
        let line = try #require(
            try rows(
                "[\(Self.exported)]", integrations: ["my-gmail": "gmail"], clients: ["gmail": "cid"],
                configKeys: ["subdomain": "domain"]
            ).first)
        let json = try line.row.get()
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"integration":"gmail","external_id":"c-1","user_id":"u-1","label":"a@b.c","config":{"domain":"acme"},"#
                + #""metadata":{"plan":1.0},"client_id":"cid","scopes":["read","write"],"credentials":{"access_token":"at","#
                + #""refresh_token":"rt","expires_at":"2026-01-31T12:00:00.000Z","token_type":"Bearer"}}"#)
        let row = try ImportRow(JSONSlice(parsing: json), line: 1)
        #expect(row.hasRefreshToken)
    }

    @Test func `the integration is the mapped key, else the mapped provider, else the provider`() throws {
        let cases: [([String: String], String)] = [
            (["my-gmail": "a", "google-mail": "b"], "a"), (["google-mail": "b"], "b"), ([:], "google-mail"),
        ]
        for (map, integration) in cases {
            let json = try #require(try rows("[\(Self.exported)]", integrations: map).first).row.get()
            #expect(JSONObject(try JSONSlice(parsing: json))["integration"]?.slice.string == integration)
        }
    }

    @Test(arguments: [
        ("OAUTH2", "API_KEY", "Only credentials of the type OAUTH2"),
        (#""credentials""#, #""other""#, "has no credentials"),
    ])
    func `what cannot move is refused by itself`(_ old: String, _ new: String, _ reason: String) throws {
        let lines = try rows("{\"connections\":[\(Self.exported.replacing(old, with: new)),\(Self.exported)]}")
        #expect(lines.map(\.number) == [1, 2])
        guard case .failure(let refusal) = lines[0].row, case .success = lines[1].row else {
            Issue.record("\(lines)")
            return
        }
        #expect(refusal.errors[0].contains(reason))
    }

    @Test(arguments: ["", "{", "{}", "7", #"{"connections":{}}"#])
    func `a file that holds no connections is refused`(_ text: String) {
        #expect(throws: ImportFileError.self) { try rows(text) }
    }
}
