import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import Probes

@Suite struct StorageAzureTests {
    struct Vector: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let account: String
        let path: String
        var query = [
            (name: "restype", value: "container"), (name: "comp", value: "list"), (name: "maxresults", value: "1"),
        ]
        let resource: String
        let signature: String
    }

    /// Made by Microsoft's own client, azure-storage-blob 12.31.1, with a key of the bytes 0 to 63.
    private static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

    static let vectors = [
        Vector(
            testDescription: "a container", account: "myaccount", path: "/my-container",
            resource: "/myaccount/my-container\ncomp:list\nmaxresults:1\nrestype:container",
            signature: "NXBC2T+177sTIOqnEkzjZ/PM3VzNxcqw8qsFgB932R8="),
        Vector(
            testDescription: "an emulator's", account: "devstoreaccount1", path: "/devstoreaccount1/my-container",
            resource: "/devstoreaccount1/devstoreaccount1/my-container\ncomp:list\nmaxresults:1\nrestype:container",
            signature: "kwhzTk6zlwBIfQuI6M80oV3ggOX6GEGl8DR5l5Vtptg="),
        Vector(
            testDescription: "a query with escapes", account: "myaccount", path: "/$logs",
            query: [("restype", "container"), ("comp", "list"), ("maxresults", "1"), ("prefix", "a b/c")],
            resource: "/myaccount/$logs\ncomp:list\nmaxresults:1\nprefix:a b/c\nrestype:container",
            signature: "xEjeLo1G+zKQ21T7G2xnjGBosatR5S7jTw8VOXA9w3k="),
    ]

    @Test(arguments: vectors)
    func signsAsTheOriginalDoes(_ vector: Vector) throws {
        let headers = [(name: "x-ms-version", value: "2025-05-05"), (name: "x-ms-date", value: HTTPDate.text(.t0))]
        let text = AzureSharedKey.stringToSign(
            account: vector.account, method: "GET", path: vector.path, query: vector.query, headers: headers)
        #expect(
            text == "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Thu, 01 Jan 2026 00:00:00 GMT\nx-ms-version:2025-05-05\n"
                + vector.resource)
        let key = try #require(AzureSharedKey(account: vector.account, key: Self.key))
        #expect(
            key.authorization(method: "GET", path: vector.path, query: vector.query, headers: headers)
                == "SharedKey \(vector.account):\(vector.signature)")
    }

    /// From the page on Shared Key of Microsoft's REST reference.
    @Test func theStringOfTheDocumentation() {
        #expect(
            AzureSharedKey.stringToSign(
                account: "myaccount", method: "GET", path: "/mycontainer",
                query: [("restype", "container"), ("comp", "metadata"), ("timeout", "20")],
                headers: [("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"), ("x-ms-version", "2015-02-21")])
                == "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
                + "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20")
    }

    @Test(arguments: ["", "not base64!", "AAA"])
    func noKey(_ text: String) { #expect(AzureSharedKey(account: "a", key: text) == nil) }

    @Test(arguments: [
        (#"{"account":"acct","container":"c1"}"#, "https://acct.blob.core.windows.net", "/c1"),
        (#"{"account":"acct","container":"$root"}"#, "https://acct.blob.core.windows.net", "/$root"),
        (
            #"{"account":"acct","container":"c1","endpoint":"https://acct.blob.core.usgovcloudapi.net/"}"#,
            "https://acct.blob.core.usgovcloudapi.net", "/c1"
        ),
        (
            #"{"account":"acct","container":"c1","endpoint":"http://127.0.0.1:10000/acct"}"#,
            "http://127.0.0.1:10000", "/acct/c1"
        ),
    ])
    func whereContainersAre(_ config: String, _ origin: String, _ path: String) throws {
        let container = try #require(AzureContainer(JSONObject(.literal(config))))
        #expect(container.origin == origin && container.path == path)
    }

    @Test(arguments: [
        "{}", #"{"account":"acct"}"#, #"{"account":"evil.example.com#","container":"c1"}"#,
        #"{"account":"acct","container":"a/b"}"#, #"{"account":"acct","container":"c1","endpoint":"acct"}"#,
        #"{"account":"acct","container":"c1","endpoint":"https://a.example.com/?x"}"#,
        #"{"account":"acct","container":"c1","endpoint":"https://a.example.com/../b"}"#,
        #"{"account":"acct","container":"c1","endpoint":"https://u:p@a.example.com"}"#,
    ])
    func noContainer(_ config: String) { #expect(AzureContainer(JSONObject(.literal(config))) == nil) }

    // MARK: SAS tokens

    @Test(arguments: [
        "sv=2024-11-04&sr=c&sp=rl&sig=a%2Bb%3D", "?sv=2024-11-04&ss=b&srt=c&sp=rl&se=2030-01-01&sig=x",
        "sv=2024-11-04&si=policy&sr=c&sig=abc/+=",
    ])
    func tokens(_ text: String) throws {
        let token = try #require(SharedAccessSignature(text))
        #expect(!token.isForOneBlob && !token.text.hasPrefix("?"))
    }

    @Test(arguments: [
        "", "?", "sv=2024-11-04", "sig=x", "sv=2024-11-04&sig=", "sv=2024-11-04&sig=x&sig=y", "sv=2024-11-04&sig=x#",
        "sv=2024-11-04&sig=x y", "sv=2024-11-04&sig=x\r\nHost: evil", "sv=2024-11-04&sig=x&comp=acl",
        "sv=2024-11-04&sig=x&restype=account", "sv=2024-11-04&sig=x&&", "sv=2024-11-04&sig=x&a%3Db=c",
        "https://acct.blob.core.windows.net/c?sv=2024-11-04&sig=x", "sv=2024-11-04&sig=\u{E9}",
    ])
    func noTokens(_ text: String) { #expect(SharedAccessSignature(text) == nil) }

    @Test(arguments: [
        ("se=2026-01-01T00%3A00%3A00Z", "2026-01-01T00:00:00.000000Z"),
        ("se=2026-01-02", "2026-01-02T00:00:00.000000Z"),
        ("se=2026-01-01T10:30Z", "2026-01-01T10:30:00.000000Z"), ("se=soon", nil), ("si=policy", nil),
    ])
    func ends(_ parameter: String, _ end: String?) throws {
        #expect(try #require(SharedAccessSignature("sv=1&sig=x&\(parameter)")).expiresAt?.rfc3339 == end)
    }

    @Test(arguments: ["b", "bs", "d"])
    func ofOneBlob(_ resource: String) throws {
        #expect(try #require(SharedAccessSignature("sv=1&sr=\(resource)&sig=x")).isForOneBlob)
    }

    // MARK: Dates

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("2015-06-26T23:39:12Z", "Fri, 26 Jun 2015 23:39:12 GMT"),
        ("2024-02-29T12:00:00Z", "Thu, 29 Feb 2024 12:00:00 GMT"),
        ("1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
    ])
    func dates(_ time: String, _ text: String) throws {
        let time = try #require(Timestamp(rfc3339: time))
        #expect(HTTPDate.text(time) == text)
        #expect(HTTPDate.time(text) == time)
    }

    @Test(arguments: ["", "now", "Sun, 06 Nov 1994 08:49:37 CET", "Sunday, 06-Nov-94 08:49:37 GMT", "a b c d e GMT"])
    func noDates(_ text: String) { #expect(HTTPDate.time(text) == nil) }
}
