/// A field of a change: not sent, sent as null, or sent with a value. The three differ in what PUT does.
package enum Patch<Value: Sendable>: Sendable {
    case absent
    case null
    case value(Value)

    package var isPresent: Bool {
        if case .absent = self { false } else { true }
    }

    package var value: Value? {
        if case .value(let value) = self { value } else { nil }
    }

    /// What a nullable field becomes: null clears it.
    package func clearing(_ current: Value?) -> Value? {
        switch self {
        case .absent: current
        case .null: nil
        case .value(let value): value
        }
    }

    /// What a field becomes that null leaves alone.
    package func keeping(_ current: Value) -> Value {
        value ?? current
    }

    package func map<Result: Sendable>(_ transform: (Value) -> Result) -> Patch<Result> {
        switch self {
        case .absent: .absent
        case .null: .null
        case .value(let value): .value(transform(value))
        }
    }
}
