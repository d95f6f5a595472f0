import Connections

extension CatalogFile {
    /// An address that secrets may go to. Its variables are config that must be there, so that where they lead is known
    /// as soon as there is a secret.
    /// - Parameter isOptional: whether the address may be missing, where a whole URL was not entered.
    static func urlTemplate(
        _ map: DefinitionMap, _ key: String, config: [Field], isOptional: Bool = false
    ) throws(DefinitionProblem) -> URLTemplate? {
        guard let text = try map.optionalString(key) else { return nil }
        let template: URLTemplate
        do {
            template = try URLTemplate(text)
        } catch {
            throw map.problem(key, error.reason)
        }
        for variable in template.variables {
            guard let field = config.first(where: { $0.key == variable }) else {
                throw map.problem(key, "uses {\(variable)}, which is no config field")
            }
            guard field.isRequired || (isOptional && template.isWholeURL), field.defaultValue == nil else {
                throw map.problem(key, "uses {\(variable)}, which must be required and without a default")
            }
            guard !field.isSecure else { throw map.problem(key, "uses {\(variable)}, which is secret") }
            guard field.kind == (template.isWholeURL ? .url : .text) || (!template.isWholeURL && field.kind == .select)
            else {
                throw map.problem(key, "{\(variable)}: a whole URL wants a field of type url, a part another")
            }
        }
        return template
    }

    /// - Parameter keeping: what the method takes from the provider; that must be read before its endpoints.
    /// - Parameter isFirst: whether it is used before there is a token answer.
    static func endpoint(
        _ map: DefinitionMap, _ key: String, config: [Field], keeping method: OAuthMethod, isFirst: Bool,
        isOptional: Bool = false
    ) throws(DefinitionProblem) -> URLTemplate? {
        guard let template = try urlTemplate(map, key, config: config, isOptional: isOptional) else { return nil }
        guard !template.text.contains("#") else { throw map.problem(key, "must not have a fragment") }
        for variable in template.variables {
            guard !method.callbackKeep.contains(where: { $0.key == variable }) else {
                throw map.problem(key, "uses {\(variable)}, which anybody can write into the callback's query")
            }
            guard !isFirst || !method.keep.contains(where: { $0.key == variable }) else {
                throw map.problem(key, "uses {\(variable)}, which only the token answer gives")
            }
        }
        return template
    }
}
