import Synchronization

extension SQL {
    private static let known = Mutex<[String: SQL]>([:])

    /// A statement that is put together at run time, the same one for the same text. There are as many as there are sets of
    /// filters, which is bounded; values never stand in a text.
    static func interned(_ text: String) -> SQL {
        known.withLock { known in
            if let statement = known[text] { return statement }
            let statement = SQL(text)
            known[text] = statement
            return statement
        }
    }
}
