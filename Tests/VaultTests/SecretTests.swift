import Connections
import TestSupport
import Testing
import Vault

/// `Secret` lives in Connections; what matters of it is what the vault relies on.
@Suite struct SecretTests {
    private static let planted = "xoxb-planted-canary"

    private struct Holder {
        let name = "holder"
        let secret: Secret
        let list: [Secret]
        let key: SealingKey
    }

    @Test func isNeverPrinted() {
        let secret = Secret(Self.planted)
        #expect(secret.description == "********")
        #expect(secret.debugDescription == "********")
        #expect("\(secret)" == Secret.mask)
        #expect(String(reflecting: secret) == Secret.mask)
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test func isNeverPrintedAsAPartOfSomething() {
        let secret = Secret(Self.planted)
        let holder = Holder(secret: secret, list: [secret], key: .record(secret))
        var dumped = ""
        dump(holder, to: &dumped)
        dump(secret, to: &dumped)
        let optional: Secret? = secret
        let texts = [
            "\(holder)", String(reflecting: holder), dumped, String(describing: optional), String(reflecting: optional),
            "\([holder.name: secret])",
        ]
        for text in texts {
            #expect(text.contains(Secret.mask))
            #expect(!text.contains("canary"))
            #expect(!text.contains("120, 111, 120, 98"))
        }
    }

    @Test(arguments: ["", "a", "U+0000 \u{0} within", "p\u{E4}ssword \u{1F511}"])
    func opensToWhatWasPutIn(_ text: String) {
        let secret = Secret(text)
        #expect(secret.opened == Array(text.utf8))
        #expect(secret.count == text.utf8.count)
        #expect(Secret(Array(text.utf8)).opened == Array(text.utf8))
    }

    @Test func openingPassesOnResultsAndErrors() {
        #expect(Secret("abc").withBytes { $0.count } == 3)
        #expect(throws: VaultError(.malformed)) {
            try Secret("abc").withBytes { _ -> Int in throw VaultError(.malformed) }
        }
    }
}
