import Connections
import HTTPTypes
import LosslessJSON

extension API {
    var testRoutes: [Route] {
        [
            .api(.post, "/connections/test", "test_unsaved_connection", .write, testUnsavedConnection),
            .api(.post, "/connections/{connection_id}/test", "test_connection", .write, testConnection),
            .api(
                .get, "/connections/{connection_id}/timeline", "get_connection_timeline", .read, connectionTimeline),
        ]
    }

    private func testConnection(_ call: Call) async throws -> Answer {
        let id = try call.id("connection_id", .connection) as ConnectionID
        try checks.quota.take(call.workspace, at: call.cause.at)
        let result = try await checks.tester.test(id, in: call.workspace, cause: call.cause)
        return .json { $0.test(result) }
    }

    private func testUnsavedConnection(_ call: Call) async throws -> Answer {
        let draft = try ConnectionBodies.draft(await call.fields(echoingInput: false))
        try checks.quota.take(call.workspace, at: call.cause.at)
        let target = try await connections.probeTarget(of: draft, in: call.workspace, cause: call.cause)
        let result = await checks.tester.test(target)
        return .json { $0.test(result) }
    }

    private func connectionTimeline(_ call: Call) async throws -> Answer {
        var query = call.query
        let instant = query.time("at")
        let page: PageRequest<EventID> = query.page(cursor: true)
        if page.skip != 0 { query.refuse("skip", "a timeline is paged by cursor") }
        try query.finish()
        let timeline = try await checks.timeline.page(
            of: call.id("connection_id", .connection), in: call.workspace, at: instant, before: page.after,
            limit: page.limit)
        return .json { $0.timeline(timeline) }
    }
}

extension JSONWriter {
    mutating func test(_ result: TestResult) {
        let report = result.report
        object { json in
            json.key("verdict")
            json.value(report.verdict.rawValue)
            json.key("layers")
            json.array(report.layers) { json, finding in json.finding(finding) }
            json.key("reason_code")
            json.value(report.reasonCode)
            json.key("message")
            json.value(report.message)
            json.key("identity")
            if let account = report.account {
                json.object { json in
                    json.key("label")
                    json.value(account.label)
                    json.key("changed")
                    json.value(result.hasIdentityChanged)
                }
            } else {
                json.null()
            }
            json.key("checked_at")
            json.time(result.checkedAt)
        }
    }

    private mutating func finding(_ finding: LayerFinding) {
        object { json in
            json.key("layer")
            json.value(finding.layer.rawValue)
            json.key("outcome")
            json.value(finding.outcome.rawValue)
            json.key("duration_ms")
            if let milliseconds = finding.milliseconds { json.value(milliseconds) } else { json.null() }
            json.key("detail")
            json.value(finding.detail)
        }
    }

    fileprivate mutating func timeline(_ page: TimelineService.Page) {
        object { json in
            json.key("status")
            if let moment = page.moment {
                json.object { json in
                    json.key("status")
                    json.value(moment.status.rawValue)
                    json.key("reason_code")
                    json.value(moment.reason)
                    json.key("since")
                    json.time(moment.since)
                }
            } else {
                json.null()
            }
            json.key("entries")
            json.array(page.entries) { json, record in json.entry(record) }
            json.key("next_cursor")
            json.value(page.next.map { Cursor.encode($0) })
        }
    }

    private mutating func entry(_ record: JournalRecord) {
        object { json in
            json.key("id")
            json.id(record.id)
            json.key("type")
            json.value(record.kind.rawValue)
            json.key("at")
            json.time(record.at)
            json.key("actor")
            json.value(record.actor)
            json.key("request_id")
            json.value(record.requestID)
            json.key("sequence")
            if let sequence = record.subjectSequence { json.value(Int(sequence)) } else { json.null() }
            json.key("data")
            json.value(record.data)
        }
    }
}
