import Testing

@testable import Probes

@Suite struct StorageErrorTests {
    @Test(arguments: [
        ("<Error><Code>NoSuchBucket</Code></Error>", "NoSuchBucket"),
        (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n<Message>x</Message><Code>AccessDenied</Code>",
            "AccessDenied"
        ),
        ("\u{FEFF}<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code></Error>", "AuthenticationFailed"),
        ("<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>", "InvalidClientTokenId"),
        ("<Error><Code></Code></Error>", nil),
        ("<Error><Code>two words</Code></Error>", nil),
        ("<Error><Code>&lt;b&gt;</Code></Error>", nil),
        ("<Error><Code><b>x</b></Code></Error>", nil),
        ("<Error><Code>endless", nil),
        ("<Error><Code>\(String(repeating: "a", count: 65))</Code></Error>", nil),
        ("<Error><Code>\(String(repeating: "a", count: 64))</Code></Error>", String(repeating: "a", count: 64)),
        ("<Error>\(String(repeating: " ", count: 20_000))<Code>Late</Code></Error>", nil),
    ])
    func codes(_ document: String, _ code: String?) throws {
        #expect(try #require(StorageError(Array(document.utf8))).code == code)
    }

    @Test(arguments: ["", "{}", "<html><Code>NoSuchBucket</Code></html>", "<Err", "NoSuchBucket"])
    func somethingElse(_ document: String) { #expect(StorageError(Array(document.utf8)) == nil) }

    @Test(arguments: [
        ("eu-west-1", "eu-west-1"), ("us-gov-west-1", "us-gov-west-1"), ("Call 555", nil), ("", nil),
        (String(repeating: "a", count: 33), nil), ("eu_west", nil), ("<b>", nil),
    ])
    func regions(_ text: String, _ region: String?) throws {
        let document = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>\(text)</Region></Error>"
        #expect(try #require(StorageError(Array(document.utf8))).region == region)
    }
}
