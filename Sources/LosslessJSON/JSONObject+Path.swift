extension JSONObject {
    /// A member by a dotted path; a number is an index into an array.
    package func value(at path: String) -> JSONText? {
        let steps = path.split(separator: ".").map(String.init)
        guard let first = steps.first, var current = self[first] else { return nil }
        for step in steps.dropFirst() {
            if current.slice.kind == .array {
                let elements = current.slice.elements
                guard let index = Int(step), elements.indices.contains(index) else { return nil }
                current = elements[index].canonical
            } else {
                guard let member = JSONObject(current.slice)[step] else { return nil }
                current = member
            }
        }
        return current
    }

    /// A member that is text, or a number as it is written.
    package func text(at path: String) -> String? {
        guard let value = value(at: path) else { return nil }
        switch value.slice.kind {
        case .string: return value.slice.string
        case .number: return value.string
        case .object, .array, .boolean, .null: return nil
        }
    }
}
