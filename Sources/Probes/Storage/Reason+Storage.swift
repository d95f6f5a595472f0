extension Reason {
    static let malformedCredential = Reason("malformed_credential") { subject in
        "What was entered for \(subject.name) as \(subject.credential ?? "credentials") cannot be right: "
            + "a part is missing or has another form. Copy all of it again."
    }

    static let expiredCredential = Reason("credential_expired") { subject in
        "\(subject.name) gave the \(subject.credential ?? "credentials") for a limited time, which is over. "
            + "Make new credentials there and enter them."
    }

    static let clockSkew = Reason("clock_skew") { subject in
        "\(subject.name) and this service do not agree on the time, so nothing can be said of the connection. "
            + "Ask your administrator to check the clock."
    }

    // MARK: Buckets and containers

    static let bucketNotFound = Reason("bucket_not_found") { subject in
        "\(subject.name) has no bucket of that name. Check the bucket in the configuration."
    }

    static let containerNotFound = Reason("container_not_found") { subject in
        "\(subject.name) has no container of that name. Check the container in the configuration."
    }

    /// `region` must be one by its characters.
    static func wrongRegion(_ region: String) -> Reason {
        Reason("wrong_region") { subject in
            "The bucket is in another region of \(subject.name): \(region). Enter that region in the configuration."
        }
    }

    static let mayNotList = Reason("permission_denied") { subject in
        "\(subject.name) knows the \(subject.credential ?? "credentials") but does not allow listing what is stored. "
            + "Give the permission for that there."
    }

    // MARK: Databases

    static let malformedConnectionString = Reason("malformed_connection_string") { subject in
        "Where and as whom to log in to \(subject.name) cannot be read. A connection string begins with postgresql://, names "
            + "user and host, and has special characters written as % and two digits; a host is a name or an address."
    }

    static let unsupportedParameter = Reason("unsupported_parameter") { subject in
        "The connection to \(subject.name) asks for something that a service cannot have: "
            + "files, sockets, several hosts or options of the session. Leave that out."
    }

    static let databaseNotFound = Reason("database_not_found") { subject in
        "\(subject.name) has no database of that name. Check the database."
    }

    static let mayNotConnect = Reason("permission_denied") { subject in
        "\(subject.name) knows the \(subject.credential ?? "credentials") but does not allow the use of the database. "
            + "Give the permission to connect there."
    }

    static let notPostgreSQL = Reason("not_postgresql") { subject in
        "What answers at the address of \(subject.name) is not a PostgreSQL server. Check host and port."
    }

    static let tlsNotOffered = Reason("tls_not_offered") { subject in
        "The connection asks for TLS, which \(subject.name) does not offer. Choose another SSL mode, or turn TLS on there."
    }

    static let unsupportedAuthentication = Reason("unsupported_authentication") { subject in
        "\(subject.name) asks for a way to sign in that needs more than a password, so nothing can be said of it."
    }
}
