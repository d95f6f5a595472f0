import Connections
import LosslessJSON
import TestSupport
import Testing

@testable import Probes

@Suite struct StorageS3BucketTests {
    @Test(arguments: [
        (#"{"bucket":"b1","region":"eu-west-1"}"#, "https://b1.s3.eu-west-1.amazonaws.com/"),
        (#"{"bucket":"b1","region":"cn-north-1"}"#, "https://b1.s3.cn-north-1.amazonaws.com.cn/"),
        (#"{"bucket":"b1","region":"eusc-de-east-1"}"#, "https://b1.s3.eusc-de-east-1.amazonaws.eu/"),
        (#"{"bucket":"b1","region":"us-gov-west-1"}"#, "https://b1.s3.us-gov-west-1.amazonaws.com/"),
        (#"{"bucket":"b1","region":"eu-west-1","force_path_style":true}"#, "https://s3.eu-west-1.amazonaws.com/b1"),
        // No certificate would cover these.
        (#"{"bucket":"www.example.com","region":"eu-west-1"}"#, "https://s3.eu-west-1.amazonaws.com/www.example.com"),
        (#"{"bucket":"Old_Bucket","region":"us-east-1"}"#, "https://s3.us-east-1.amazonaws.com/Old_Bucket"),
        (#"{"bucket":"b1","region":"auto","endpoint":"https://x.r2.example.com"}"#, "https://b1.x.r2.example.com/"),
        (#"{"bucket":"b1","region":"auto","endpoint":"https://x.r2.example.com/"}"#, "https://b1.x.r2.example.com/"),
        (
            #"{"bucket":"b1","region":"x","endpoint":"https://S3.Example.com:9000","force_path_style":true}"#,
            "https://s3.example.com:9000/b1"
        ),
        (#"{"bucket":"b1","region":"x","endpoint":"http://127.0.0.1:9000"}"#, "http://127.0.0.1:9000/b1"),
        (#"{"bucket":"b1","region":"x","endpoint":"http://[::1]:9000"}"#, "http://[::1]:9000/b1"),
        (#"{"bucket":"b1","region":"x","endpoint":"http://minio:9000"}"#, "http://minio:9000/b1"),
        (#"{"bucket":"b1","region":"x","endpoint":"http://minio:9000/s3/"}"#, "http://minio:9000/s3/b1"),
        (#"{"bucket":"b1","region":"x","endpoint":"https://a.example.com/s3"}"#, "https://b1.a.example.com/s3"),
    ])
    func where_(_ config: String, _ url: String) throws {
        let bucket = try #require(S3Bucket(JSONObject(.literal(config))))
        #expect(bucket.url() == url)
        #expect(URLTemplate.origin(of: url) == bucket.origin)
        #expect(bucket.origin.hasSuffix("://\(bucket.host)"))
    }

    @Test(arguments: [
        "{}", #"{"bucket":"b1"}"#, #"{"region":"eu-west-1"}"#, #"{"bucket":"","region":"eu-west-1"}"#,
        #"{"bucket":"a/b","region":"eu-west-1"}"#, #"{"bucket":"..","region":"eu-west-1"}"#,
        #"{"bucket":"b?x","region":"eu-west-1"}"#, #"{"bucket":"b1","region":"evil.example.com#"}"#,
        #"{"bucket":"b1","region":"eu.west"}"#, #"{"bucket":"b1","region":"x","endpoint":"ftp://a.example.com"}"#,
        #"{"bucket":"b1","region":"x","endpoint":"https://u:p@a.example.com"}"#,
        #"{"bucket":"b1","region":"x","endpoint":"https://a.example.com/?x=1"}"#,
        #"{"bucket":"b1","region":"x","endpoint":"https://a.example.com/a%2Fb"}"#,
        #"{"bucket":"b1","region":"x","endpoint":"https://a.example.com/../x"}"#,
        #"{"bucket":"b1","region":"x","endpoint":""}"#,
    ])
    func nowhere(_ config: String) { #expect(S3Bucket(JSONObject(.literal(config))) == nil) }

    @Test func queriesAreSorted() throws {
        let bucket = try #require(S3Bucket(JSONObject(.literal(#"{"bucket":"b1","region":"eu-west-1"}"#))))
        #expect(
            bucket.url(query: [("max-keys", "1"), ("list-type", "2")])
                == "https://b1.s3.eu-west-1.amazonaws.com/?list-type=2&max-keys=1")
    }
}
