import Connections

extension CatalogFile {
    static func authMethod(_ map: DefinitionMap, config: [Field]) throws(DefinitionProblem) -> AuthMethod {
        try map.allow(["id", "name", "type", "auth_type", "description", "fields", "apply", "oauth"])
        let id = try map.string("id")
        guard isIdentifier(id, separator: "_") else {
            throw map.problem("id", "must be lower-case letters, digits and underscores, beginning with a letter")
        }
        let fields = try map.maps("fields", isRequired: false).map { map throws(DefinitionProblem) in
            try field(map, secureByDefault: true)
        }
        try refuseRepeated(fields.map(\.key), in: map, key: "fields")
        let scheme = try map.word("type", AuthMethod.Scheme.self)
        guard scheme == .oauth2 || !map.has("oauth") else { throw map.problem("oauth", "belongs to type oauth2") }
        let vocabulary = Vocabulary(fields: fields, config: config, hasTokens: map.has("oauth"))
        return AuthMethod(
            id: id, name: try map.string("name"), scheme: scheme, authType: try map.word("auth_type", AuthType.self),
            description: try map.string("description"), fields: fields,
            placements: try map.maps("apply", isRequired: false).map { map throws(DefinitionProblem) in
                try placement(map, vocabulary: vocabulary)
            },
            oauth: try map.map("oauth").map { map throws(DefinitionProblem) in
                try oauth(map, fields: fields, config: config, vocabulary: vocabulary)
            })
    }

    private enum Place: String, CaseIterable { case header, query, basic }

    private static func placement(
        _ map: DefinitionMap, vocabulary: Vocabulary
    ) throws(DefinitionProblem) -> SecretPlacement {
        let place = try map.word("in", Place.self)
        switch place {
        case .header:
            try map.allow(["in", "name", "value"])
            let header = (name: try vocabulary.template(map, "name"), value: try vocabulary.template(map, "value"))
            guard header.name.contains("{") || isHeaderName(header.name) else {
                throw map.problem("name", "is no name of a header")
            }
            guard isHeaderValue(header.value) else { throw map.problem("value", "has control characters") }
            return .header(name: header.name, value: header.value)
        case .query:
            try map.allow(["in", "name", "value"])
            return .query(name: try vocabulary.template(map, "name"), value: try vocabulary.template(map, "value"))
        case .basic:
            try map.allow(["in", "username", "password"])
            return .basic(
                username: try vocabulary.template(map, "username"), password: try vocabulary.template(map, "password"))
        }
    }

    /// - Parameter vocabulary: `nil` where the values are sent as they stand.
    static func headers(
        _ map: DefinitionMap, _ key: String, vocabulary: Vocabulary? = nil
    ) throws(DefinitionProblem) -> [(name: String, value: String)] {
        guard let headers = try map.map(key) else { return [] }
        let texts = if let vocabulary { try vocabulary.templates(headers) } else { try headers.texts() }
        for text in texts {
            guard isHeaderName(text.name) else { throw headers.problem(text.name, "is no name of a header") }
            guard isHeaderValue(text.value) else { throw headers.problem(text.name, "has control characters") }
        }
        return texts
    }

    /// A token of RFC 9110, 5.6.2.
    private static func isHeaderName(_ text: String) -> Bool {
        let marks = Array("!#$%&'*+-.^_`|~".utf8)
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: marks.contains(byte)
            }
        }
    }

    private static func isHeaderValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
