/// What is to be done for a connection that goes with its credential, in the same unit of work: its grant is revoked at the
/// provider later, and only what is written down here is left of it then.
package protocol ConnectionDeparture: Sendable {
    func willDelete(_ connection: Connection, cause: Cause, tx: any StoreTransaction) throws
}

package struct NoDeparture: ConnectionDeparture {
    package init() {}

    package func willDelete(_: Connection, cause _: Cause, tx _: any StoreTransaction) throws {}
}
