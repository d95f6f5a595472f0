/// Bounds of the door.
package struct EgressLimits: Sendable {
    /// Requests under way to one host and port.
    package var concurrencyPerHost = 64
    /// Requests that wait for their turn at one host and port; one more is `overloaded`.
    package var waitingPerHost = 1_024
    /// HTTP clients that are kept, one for each host and address.
    package var clients = 256
    /// Hosts and ports that are remembered with their circuit and addresses.
    package var destinations = 4_096
    /// Addresses of one name that are tried.
    package var addressesTried = 3
    package var connectTimeout: Duration = .seconds(10)
    /// How long the answer for a name is used.
    package var answerLifetime: Duration = .seconds(5)
    /// Failures in a row that open a circuit.
    package var failuresToOpen = 5
    package var circuitPause: Duration = .seconds(30)
    package var maxRedirects = 5

    package init() {}
}
