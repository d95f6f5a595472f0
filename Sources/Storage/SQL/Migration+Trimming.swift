import Connections

extension Migration {
    /// How far events went with age, by which a cursor that would skip them is told so.
    static let trimming = Migration(version: 6, name: "trimming") { d in
        [
            // One row for each workspace of which something went. It refers to nobody, as the journal does.
            """
            CREATE TABLE journal_trim (
                workspace_id \(d.id) NOT NULL PRIMARY KEY,
                through \(d.int64) NOT NULL
            )\(d.clusteredTableOptions)
            """
        ]
    }
}
