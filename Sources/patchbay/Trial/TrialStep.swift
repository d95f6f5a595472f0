/// One thing that was tried with an integration's file, and what came of it.
struct TrialStep: Encodable, Sendable {
    enum Outcome: String, Encodable, Sendable {
        case ok, failed
        /// Worth knowing, and not wrong.
        case note
        case notChecked = "not checked"
    }

    let method: String
    let step: String
    let outcome: Outcome
    let detail: String
}
