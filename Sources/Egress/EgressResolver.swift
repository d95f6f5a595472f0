package import Connections

/// Says which addresses a name has. What it says is checked, whoever says it.
package protocol EgressResolver: Sendable {
    /// In the order in which they are to be tried. May throw anything; that is `nameNotResolved`, except an `EgressError`.
    func addresses(of host: String, port: Int) async throws -> [IPAddress]

    /// Called when the door closes; nothing is asked after that.
    func close()
}

extension EgressResolver {
    package func close() {}
}
