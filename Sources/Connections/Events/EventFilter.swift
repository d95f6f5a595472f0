/// Which events are wanted: `*` for all, a type, or a group of types as in `connection.*`.
package struct EventFilter: Sendable, Equatable {
    /// As they were written.
    package let patterns: [String]
    /// What they come to, in no order that means something.
    package let kinds: [JournalEntry.Kind]

    package static let all = EventFilter(patterns: ["*"], kinds: JournalEntry.Kind.events)

    /// What was stored. A pattern that matches nothing any more is of an older version, and does no harm.
    package init(stored patterns: [String]) {
        self.init(patterns: patterns, kinds: Self.kinds(patterns))
    }

    /// `nil` where one of them matches nothing.
    package init?(_ patterns: [String]) {
        guard patterns.allSatisfy(Self.isKnown) else { return nil }
        self.init(stored: patterns)
    }

    private init(patterns: [String], kinds: [JournalEntry.Kind]) {
        self.patterns = patterns
        self.kinds = kinds
    }

    package static func isKnown(_ pattern: String) -> Bool {
        JournalEntry.Kind.events.contains { matches(pattern, $0) }
    }

    private static func kinds(_ patterns: [String]) -> [JournalEntry.Kind] {
        JournalEntry.Kind.events.filter { kind in patterns.contains { matches($0, kind) } }
    }

    private static func matches(_ pattern: String, _ kind: JournalEntry.Kind) -> Bool {
        if pattern == "*" || pattern == kind.rawValue { return true }
        // The dot stays, so that `app.*` is not `application.created`.
        return pattern.hasSuffix(".*") && kind.rawValue.hasPrefix(pattern.dropLast())
    }
}
