import Connections

extension ProbedAccount {
    /// What a protocol tells by itself.
    init(integration: Integration, _ parts: [String], label: String) {
        self.init(
            subject: ([integration.id] + parts).map { "\($0.utf8.count):\($0)" }.joined(),
            label: String(label.prefix(200)))
    }
}
