import Connections

/// What messages speak of: an integration and its credential, by the names that people know.
struct Subject: Sendable {
    let name: String
    /// As it stands in a sentence, "bot token"; `nil` where there is none.
    let credential: String?
    /// What to do when it is not accepted.
    let remedy: String

    init(_ target: ProbeTarget) {
        name = target.integration.name
        let method = target.method
        if method.oauth != nil, method.oauth?.grant.isSelfIssued != true {
            credential = "access that was given"
            remedy = "Connect the account again."
            return
        }
        let labels = method.fields.filter(\.isRequired).map { Self.inSentence($0.label) }
        switch labels.count {
        case 0 where !method.takesCredentials:
            credential = nil
            remedy = ""
        case 1:
            credential = labels[0]
            remedy = "Enter a new one."
        case 2:
            credential = "\(labels[0]) and \(labels[1])"
            remedy = "Enter them again."
        default:
            credential = "credentials"
            remedy = "Enter them again."
        }
    }

    /// A label's words in lower case, except those that are written in capitals anyway.
    private static func inSentence(_ label: String) -> String {
        label.split(separator: " ")
            .map { $0.dropFirst().contains(where: \.isUppercase) ? String($0) : $0.lowercased() }
            .joined(separator: " ")
    }
}
