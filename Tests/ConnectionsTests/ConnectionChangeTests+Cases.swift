import Connections
import LosslessJSON
import TestSupport

extension ConnectionChangeTests {
    static let cases: [Case] = {
        var table = Table()
        table.nothing("nothing", ConnectionChange())
        table.nothing("config null", ConnectionChange(config: .null))
        table.nothing("status null", ConnectionChange(status: .null))
        table.nothing("tags null", ConnectionChange(tags: .null))
        table.nothing("metadata null", ConnectionChange(metadata: .null))
        table.nothing(
            "all that null leaves alone", ConnectionChange(config: .null, status: .null, tags: .null, metadata: .null))

        table.add("label null", ConnectionChange(label: .null), [updated("label")]) { $0.label = nil }
        table.add("label", ConnectionChange(label: .value(.literal("\"New\""))), [updated("label")]) {
            $0.label = .literal("\"New\"")
        }
        table.add(
            "label as written", ConnectionChange(label: .value(.literal(#""\u0000\u00e9""#))), [updated("label")]
        ) { $0.label = .literal(#""\u0000\u00e9""#) }
        table.add("label the same", ConnectionChange(label: .value(.literal("\"Old\""))), [updated("label")]) { _ in }
        table.add("label empty", ConnectionChange(label: .value(.literal("\"\""))), [updated("label")]) {
            $0.label = .literal("\"\"")
        }

        // The config is what the catalog and the vault made of it, not what was sent.
        table.add(
            "config", ConnectionChange(config: .value(.literal("{\"secret\":\"x\"}"))), [updated("config")],
            config: StoredConfig(masked: .literal("{\"secret\":\"********\"}"), needsRebind: false)
        ) { $0.config = .literal("{\"secret\":\"********\"}") }
        table.add(
            "config elsewhere", ConnectionChange(config: .value(.literal("{}"))), [updated("config")],
            config: StoredConfig(masked: .emptyObject, needsRebind: true)
        ) {
            $0.config = .emptyObject
            $0.needsRebind = true
        }

        let toError = "connection.status_changed " + asserted(.active, .error)
        let toActive =
            "connection.status_changed " + asserted(.active, .active)
        table.add("status", ConnectionChange(status: .value(.error)), [toError]) { $0.status = .error }
        table.add("status the same", ConnectionChange(status: .value(.active)), [toActive]) { _ in }

        table.add("external id null", ConnectionChange(externalID: .null), [updated("external_id")]) {
            $0.externalID = nil
        }
        table.add("external id", ConnectionChange(externalID: .value("ext-2")), [updated("external_id")]) {
            $0.externalID = "ext-2"
        }
        table.add("tags", ConnectionChange(tags: .value(.literal("[ \"b\" , \"a\" ]"))), [updated("tags")]) {
            $0.tags = .literal("[\"b\",\"a\"]")
        }
        table.add(
            "metadata", ConnectionChange(metadata: .value(.literal("{ \"n\": 1.0, \"n\": 1e999 }"))),
            [updated("metadata")]
        ) { $0.metadata = .literal("{\"n\":1e999}") }

        table.add(
            "null where it clears beside null where it does not", ConnectionChange(label: .null, config: .null),
            [updated("label")]
        ) { $0.label = nil }
        table.add(
            "everything",
            ConnectionChange(
                label: .value(.literal("\"New\"")), config: .value(.literal("{}")), status: .value(.error),
                externalID: .null, tags: .value(.literal("[]")), metadata: .value(.literal("{}"))),
            [updated("label", "config", "external_id", "tags", "metadata"), toError],
            config: StoredConfig(masked: .emptyObject, needsRebind: false)
        ) {
            $0.label = .literal("\"New\"")
            $0.config = .emptyObject
            $0.status = .error
            $0.externalID = nil
            $0.tags = .emptyArray
            $0.metadata = .emptyObject
        }
        return table.cases
    }()

    private static func updated(_ fields: String...) -> String {
        let names = fields.map { "\"\($0)\"" }.joined(separator: ",")
        return "connection.updated {\"fields\":[\(names)],\"revision\":8}"
    }

    private struct Table {
        private(set) var cases: [Case] = []

        /// A change that writes no field: the service never lets it come as far as the row.
        mutating func nothing(_ name: String, _ change: ConnectionChange) {
            cases.append(
                Case(
                    testDescription: name, change: change, config: nil, isEffective: false, expect: { _ in },
                    journal: []))
        }

        mutating func add(
            _ name: String, _ change: ConnectionChange, _ journal: [String], config: StoredConfig? = nil,
            _ expect: @escaping @Sendable (inout Connection) -> Void
        ) {
            cases.append(
                Case(
                    testDescription: name, change: change, config: config, isEffective: true, expect: expect,
                    journal: journal))
        }
    }
}
