import Connections
import LosslessJSON
import TestSupport
import Testing

/// How often a connection is looked at, and at which host it counts.
@Suite struct CheckScheduleTests {
    private static func integration(
        baseURL: String? = nil, probe: IntegrationProbe? = .mcp, interval: Int? = 3_600
    ) throws -> Integration {
        Integration(
            id: "sample", name: "Sample", type: .api, category: "http", description: "", docsURL: "",
            baseURL: try baseURL.map { try URLTemplate($0) }, destinationKeys: [],
            authMethods: [
                AuthMethod(id: "none", name: "None", scheme: .none, authType: .custom, description: "", fields: [])
            ], configFields: [], probe: probe, checkInterval: interval)
    }

    // MARK: Times

    @Test(
        arguments: [
            (nil, 3_600, 3_600), (nil, nil, nil), (0, 3_600, nil), (0, nil, nil), (120, nil, 120),
            (86_400, 3_600, 86_400),
            (1, 3_600, 60),
        ] as [(Int?, Int?, Int?)])
    func `a connection's own interval wins, and 0 is never`(_ own: Int?, _ integrations: Int?, _ interval: Int?) throws
    {
        let schedule = CheckSchedule(integration: try Self.integration(interval: integrations), override: own)
        #expect(schedule.interval == interval)
        #expect((schedule.next(after: .t0, jitter: 0) == nil) == (interval == nil))
    }

    @Test(
        arguments: [
            (0, 0.0, 1_800), (0, 1.0, 3_600), (0, 0.5, 2_700), (1, 1.0, 7_200), (2, 1.0, 14_400), (3, 1.0, 28_800),
            (4, 1.0, 36_000), (1_000, 1.0, 36_000),
        ] as [(Int, Double, Int64)])
    func `failures double the interval, up to ten times`(_ failures: Int, _ jitter: Double, _ seconds: Int64) throws {
        let schedule = CheckSchedule(integration: try Self.integration(), override: nil)
        #expect(schedule.next(after: .t0, failures: failures, jitter: jitter) == .t0.advanced(bySeconds: seconds))
    }

    // MARK: Hosts

    struct HostCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var baseURL: String?
        var probe: IntegrationProbe?
        var config = "{}"
        var origins: [String] = []
        let host: String
    }

    static let hosts = [
        HostCase(testDescription: "a base URL", baseURL: "https://api.test/v1", probe: .mcp, host: "https://api.test"),
        HostCase(
            testDescription: "one of the config's", baseURL: "{base_url}", probe: .config,
            config: #"{"base_url":"https://B.test:8443/x"}"#, host: "https://b.test:8443"),
        HostCase(
            testDescription: "the test's own URL", baseURL: "{base_url}", probe: .config,
            config: #"{"base_url":"https://b.test","test_url":"https://c.test/me"}"#, host: "https://c.test"),
        HostCase(
            testDescription: "a test under the base URL", baseURL: "https://api.test",
            probe: .request(TestRequest(url: "/me")), host: "https://api.test"),
        HostCase(
            testDescription: "a test elsewhere", baseURL: "https://api.test",
            probe: .request(TestRequest(url: "https://id.test/me")), host: "https://id.test"),
        HostCase(
            testDescription: "a database", probe: .postgresql, config: #"{"host":"db.test","port":5433}"#,
            host: "postgresql://db.test:5433"),
        HostCase(
            testDescription: "a database at the usual port", probe: .postgresql, config: #"{"host":"db.test"}"#,
            host: "postgresql://db.test:5432"),
        HostCase(
            testDescription: "a bucket by its region", probe: .s3, config: #"{"bucket":"b","region":"eu-west-1"}"#,
            host: "https://s3.eu-west-1.amazonaws.com"),
        HostCase(
            testDescription: "a bucket elsewhere", probe: .s3,
            config: #"{"bucket":"b","region":"x","endpoint":"https://minio.test:9000"}"#,
            host: "https://minio.test:9000"),
        HostCase(
            testDescription: "an account", probe: .azureBlob, config: #"{"account":"acc"}"#,
            host: "https://acc.blob.core.windows.net"),
        HostCase(
            testDescription: "what the secret is bound to", probe: .s3, origins: ["bucket=\"b\"", "https://o.test"],
            host: "https://o.test"),
        HostCase(testDescription: "nowhere", probe: .config, origins: ["sent as\nhttps://o.test"], host: ""),
    ]

    @Test(arguments: hosts)
    func `a connection counts at the host that its tests go to`(_ expected: HostCase) throws {
        let integration = try Self.integration(baseURL: expected.baseURL, probe: expected.probe)
        let config = JSONObject(.literal(expected.config))
        #expect(integration.checkedHost(config: config, origins: expected.origins) == expected.host)
    }

    @Test(arguments: [(0, 30), (1, 60), (6, 1_920), (7, 3_600), (60, 3_600)] as [(Int, Int64)])
    func `a host that does not answer is asked more and more seldom`(_ trials: Int, _ seconds: Int64) {
        var host = UnreachableHost(
            CheckedHost(workspaceID: .numbered(1), origin: "https://a.test"), at: .t0, jitter: 0.5)
        for _ in 0..<trials { host.noteTrial(at: .t0, jitter: 0.5) }
        #expect(host.retryAt == .t0.advanced(bySeconds: seconds))
        #expect(host.since == .t0)
    }
}
