/// Which life of a store this is: a random value that the store carries and that a file outside it mirrors. A copy of the one
/// without the other shows itself by it.
package struct InstanceEpoch: Sendable, Equatable {
    package let text: String

    package init(_ ambient: Ambient) {
        text = ambient.randomBytes(16).map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
    }

    /// As it was kept.
    package init(kept text: String) {
        self.text = text
    }

    private static let setting = "instance_epoch"

    /// `nil` in a store from before there were epochs, or that was never served.
    package static func stored(_ tx: any StoreTransaction) throws -> InstanceEpoch? {
        try tx.setting(setting).map { InstanceEpoch(kept: $0) }
    }

    package func store(_ tx: any StoreTransaction) throws {
        try tx.set(Self.setting, to: text)
    }
}
