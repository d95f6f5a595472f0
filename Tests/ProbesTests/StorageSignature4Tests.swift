import Connections
import Testing

@testable import Probes

@Suite struct StorageSignature4Tests {
    struct Vector: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let content: Signature4.Content
        let signature: Signature4
        let time: String
        let authorization: String
    }

    @Test(arguments: suite + s3)
    func signsAsPublished(_ vector: Vector) throws {
        let time = try #require(Timestamp(rfc3339: vector.time))
        #expect(vector.signature.authorization(of: vector.content, at: time) == vector.authorization)
    }

    @Test func theStepsBetween() throws {
        let time = try #require(Timestamp(rfc3339: "2015-08-30T12:36:00Z"))
        let content = Self.content("GET", "/", [("Param1", "value2"), ("Param1", "value1")])
        #expect(
            Signature4.canonicalRequest(of: content) == """
                GET
                /
                Param1=value1&Param1=value2
                host:example.amazonaws.com
                x-amz-date:20150830T123600Z

                host;x-amz-date
                e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
                """)
        #expect(
            Self.signature.stringToSign(of: content, at: time) == """
                AWS4-HMAC-SHA256
                20150830T123600Z
                20150830/us-east-1/service/aws4_request
                c968629d70850097a2d8781c9bf7edcb988b04cac14cca9be4acc3595f884606
                """)
    }

    // MARK: The test suite of AWS, as far as it is about requests like ours

    private static let signature = Signature4(
        accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region: "us-east-1",
        service: "service")
    private static let token =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YU"
        + "uwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8Y"
        + "QcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICC"
        + "R/oLxBA=="
    private static let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    private static func content(
        _ method: String, _ path: String, _ query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: String = ""
    ) -> Signature4.Content {
        Signature4.Content(
            method: method, path: path, query: query,
            headers: headers + [
                (name: "x-amz-date", value: "20150830T123600Z"), (name: "host", value: "example.amazonaws.com"),
            ], bodyDigest: Signature4.digest(Array(body.utf8)))
    }

    private static func vector(
        _ name: String, _ content: Signature4.Content, signed: String = "host;x-amz-date", _ signature: String
    ) -> Vector {
        Vector(
            testDescription: name, content: content, signature: Self.signature, time: "2015-08-30T12:36:00Z",
            authorization: "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + "SignedHeaders=\(signed), Signature=\(signature)")
    }

    static let suite = [
        vector(
            "post-vanilla", content("POST", "/"), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        vector(
            "get-vanilla-empty-query-key", content("GET", "/", [("Param1", "value1")]),
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        vector(
            "get-vanilla-query-order-key-case", content("GET", "/", [("Param2", "value2"), ("Param1", "value1")]),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        vector(
            "get-vanilla-query-order-value", content("GET", "/", [("Param1", "value2"), ("Param1", "value1")]),
            "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"),
        vector(
            "get-vanilla-query-unreserved", content("GET", "/", [(unreserved, unreserved)]),
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
        vector(
            "get-vanilla-utf8-query", content("GET", "/", [("\u{1234}", "bar")]),
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        vector(
            "get-unreserved", content("GET", "/\(unreserved)"),
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        vector(
            "get-utf8", content("GET", "/\u{1234}"),
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        vector(
            "get-space", content("GET", "/example space/"),
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
        vector(
            "get-header-value-trim",
            content("GET", "/", headers: [("my-header1", " value1"), ("my-header2", " \"a   b   c\"")]),
            signed: "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        vector(
            "post-header-key-sort", content("POST", "/", headers: [("my-header1", "value1")]),
            signed: "host;my-header1;x-amz-date",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
        vector(
            "post-sts-header-before", content("POST", "/", headers: [("x-amz-security-token", token)]),
            signed: "host;x-amz-date;x-amz-security-token",
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
        vector(
            "post-x-www-form-urlencoded",
            content(
                "POST", "/", headers: [("content-type", "application/x-www-form-urlencoded")], body: "Param1=value1"),
            signed: "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ]

    // MARK: The examples of the S3 documentation

    private static func s3(
        _ name: String, _ query: [(name: String, value: String)], path: String = "/",
        headers: [(name: String, value: String)] = [], signed: String = "host;x-amz-content-sha256;x-amz-date",
        _ signature: String
    ) -> Vector {
        let content = Signature4.Content(
            path: path, query: query,
            headers: headers + [
                (name: "host", value: "examplebucket.s3.amazonaws.com"),
                (name: "x-amz-content-sha256", value: Signature4.digest([])),
                (name: "x-amz-date", value: "20130524T000000Z"),
            ])
        return Vector(
            testDescription: name, content: content,
            signature: Signature4(
                accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                region: "us-east-1"),
            time: "2013-05-24T00:00:00Z",
            authorization: "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                + "SignedHeaders=\(signed), Signature=\(signature)")
    }

    static let s3 = [
        s3(
            "S3: list of keys", [("max-keys", "2"), ("prefix", "J")],
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        s3("S3: lifecycle", [("lifecycle", "")], "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        s3(
            "S3: a part of an object", [], path: "/test.txt", headers: [("range", "bytes=0-9")],
            signed: "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    ]
}
