import Connections

/// The number that a connection's row is stored under: forty bits of the id's time and twenty-three of its randomness, so that
/// it is found by its id without an index. Ids that share a number, which takes two in the same millisecond and luck, take the
/// numbers that follow; whoever looks compares the id, too.
enum ConnectionRowKey {
    /// How many numbers from its own on a row may stand at.
    static let reach: Int64 = 8

    static func of(_ id: ConnectionID) -> Int64 {
        Int64((id.ulid.high << 7 | id.ulid.low >> 57) & UInt64(Int64.max))
    }

    /// Matches the row of an id, as a condition whose `?1` is the workspace, `?2` the id and `?3` its number.
    static let condition = condition(of: "connection")

    /// The same where the table has another name in the statement.
    static func condition(of table: String) -> String {
        "\(table).key BETWEEN ?3 AND ?3 + \(reach - 1) AND \(table).workspace_id = ?1 AND \(table).id = ?2"
    }

    static func values(_ id: ConnectionID, in workspace: WorkspaceID) -> [SQLValue] {
        [.id(workspace), .id(id), .int(of(id))]
    }

    /// The same number in SQL, for rows that were stored without one.
    static func expression(of column: String, in dialect: SQLDialect) -> String {
        let prefix = ConnectionKind.prefix.utf8CodeUnitCount
        let characters = (2..<15).map { position -> String in
            let value =
                "(\(dialect.position)('0123456789ABCDEFGHJKMNPQRSTVWXYZ', SUBSTR(\(column), \(prefix + position + 1), 1)) - 1)"
            // A character's lowest bit is bit 125 - 5 * position of the id, and the number is the id's bits 57 to 119.
            let shift = 125 - 5 * position - 57
            return shift >= 0 ? "(\(value) << \(shift))" : "(\(value) >> \(-shift))"
        }
        return "((\(characters.joined(separator: " | "))) & \(Int64.max))"
    }
}
