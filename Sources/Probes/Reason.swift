/// Why a probe ended as it did: one word for programs, one sentence for people. The sentence is made of our words and the
/// catalog's only.
struct Reason: Sendable {
    let code: String
    let sentence: @Sendable (Subject) -> String

    init(_ code: String, _ sentence: @escaping @Sendable (Subject) -> String) {
        self.code = code
        self.sentence = sentence
    }
}

// MARK: What everybody may meet

extension Reason {
    static let verified = Reason("verified") { subject in
        subject.credential.map { "\(subject.name) accepted the \($0)." } ?? "\(subject.name) answered as it should."
    }

    static let nothingToTest = Reason("nothing_to_test") { subject in
        "There is nothing to test this connection to \(subject.name) against, so it is not known whether it works."
    }

    static let incompleteConfig = Reason("configuration_incomplete") { subject in
        "The configuration does not say yet where \(subject.name) is. Complete it."
    }

    static let invalidURL = Reason("invalid_url") { subject in
        "The address of \(subject.name) is not a valid web address. Correct it in the configuration."
    }

    static let destinationRefused = Reason("destination_refused") { subject in
        "The address of \(subject.name) may not be reached from here. Check it, or ask your administrator to allow it."
    }

    static let cancelled = Reason("cancelled") { subject in
        "The test was stopped before \(subject.name) answered. Try again."
    }
}

// MARK: The way there

extension Reason {
    static let nameNotResolved = Reason("name_not_resolved") { subject in
        "The host of \(subject.name) could not be found by its name. Check the address, or try again later."
    }

    static let connectionFailed = Reason("connection_failed") { subject in
        "No connection to \(subject.name) could be made. Check the address, or try again later."
    }

    static let connectionLost = Reason("connection_lost") { subject in
        "\(subject.name) closed the connection before it had answered. Try again later."
    }

    static let timedOut = Reason("timed_out") { subject in
        "\(subject.name) did not answer in time. Try again later."
    }

    static let circuitOpen = Reason("circuit_open") { subject in
        "\(subject.name) could not be reached several times in a row and is left alone for a moment. Try again in a minute."
    }

    static let overloaded = Reason("overloaded") { subject in
        "Too many calls to \(subject.name) are waiting for their turn. Try again in a minute."
    }

    static let tlsFailed = Reason("tls_failed") { subject in
        "No secure connection to \(subject.name) could be made. Ask whoever runs it to check its certificate."
    }

    static let certificateExpired = Reason("certificate_expired") { subject in
        "The certificate of \(subject.name) has expired. Ask whoever runs it to renew it."
    }

    static let certificateWrongHost = Reason("certificate_wrong_host") { subject in
        "The certificate of \(subject.name) is for another host. Check the address, or ask whoever runs it to correct it."
    }

    static let certificateSelfSigned = Reason("certificate_self_signed") { subject in
        "The certificate of \(subject.name) is signed by itself only. Ask whoever runs it for one of a known authority."
    }
}

// MARK: The answer

extension Reason {
    static let notHTTP = Reason("not_http") { subject in
        "What answers at the address of \(subject.name) is not a web service. Check the address."
    }

    static let answerTooLarge = Reason("answer_too_large") { subject in
        "The answer of \(subject.name) is larger than it should be. Check the address."
    }

    static let unexpectedAnswer = Reason("unexpected_answer") { subject in
        "\(subject.name) did not answer as it should, so it is not known whether the connection works. Check the address."
    }

    static let providerError = Reason("provider_error") { subject in
        "\(subject.name) has a problem of its own at the moment. Try again later."
    }

    static let rateLimited = Reason("rate_limited") { subject in
        "\(subject.name) takes no more calls for the moment. Try again later."
    }

    static let credentialRejected = Reason("credential_rejected") { subject in
        guard let credential = subject.credential else {
            return "\(subject.name) asks for credentials, and this connection has none. Choose another way to sign in."
        }
        return "\(subject.name) did not accept the \(credential). \(subject.remedy)"
    }

    static let grantGone = Reason("grant_gone") { subject in
        "\(subject.name) no longer accepts the access that it gave. Connect the account again."
    }

    static let permissionDenied = Reason("permission_denied") { subject in
        guard let credential = subject.credential else {
            return "\(subject.name) does not allow this without credentials. Choose another way to sign in."
        }
        return "\(subject.name) accepted the \(credential) but did not allow the request. Give more permissions there."
    }

    static let unsupportedProtocolVersion = Reason("unsupported_protocol_version") { subject in
        "\(subject.name) speaks a version of the protocol that is not known here. Ask whoever runs it to update it."
    }
}

// MARK: What the config asks

extension Reason {
    static let answered = Reason("verified") { subject in "\(subject.name) answered as it should." }

    static let invalidTest = Reason("invalid_test") { subject in
        "The configuration does not say correctly how to test \(subject.name). Correct the settings of the test."
    }
}
