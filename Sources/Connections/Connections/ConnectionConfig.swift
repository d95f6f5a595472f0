import LosslessJSON

/// Takes the secret values out of a config, and puts the mask in their place.
struct ConfigSplit {
    /// What is stored and shown.
    let masked: JSONObject
    /// Values that were sent, by key.
    let entered: JSONObject
    /// Keys whose mask was sent back: what is stored stays.
    let kept: [String]

    init(_ config: JSONObject, integration: Integration) {
        var masked = config
        var entered = JSONObject()
        var kept: [String] = []
        for key in integration.secureConfigKeys {
            guard let value = config[key], value != .null else { continue }
            if value.slice.string == Secret.mask {
                kept.append(key)
            } else {
                entered[key] = value
            }
            masked[key] = JSONText(Secret.mask)
        }
        self.masked = masked
        self.entered = entered
        self.kept = kept
    }

    var hasSecrets: Bool { !kept.isEmpty || !entered.members.isEmpty }
}

extension FieldProblem {
    static func nothingStored(_ key: String, in integration: Integration) -> FieldProblem {
        FieldProblem(
            key: key, message: "Field '\(integration.label(of: key))' is masked, but nothing is stored to keep")
    }

    static func destinationChanged(_ key: String, in integration: Integration) -> FieldProblem {
        FieldProblem(
            key: key,
            message: "Field '\(integration.label(of: key))' must be entered again, because the destination changed")
    }
}

extension Integration {
    fileprivate func label(of key: String) -> String { configFields.first { $0.key == key }?.label ?? key }
}
