package import Connections

/// What the routes of tests and of ends work with.
package struct ChecksRoom: Sendable {
    let tester: ConnectionTester
    let timeline: TimelineService
    let quota: TestQuota
    let expirations: ExpirationService

    package init(
        tester: ConnectionTester, timeline: TimelineService, quota: TestQuota, expirations: ExpirationService
    ) {
        self.tester = tester
        self.timeline = timeline
        self.quota = quota
        self.expirations = expirations
    }
}
