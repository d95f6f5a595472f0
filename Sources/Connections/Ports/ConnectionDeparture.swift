/// What is to be done for a secret that goes, in the same unit of work: its grant is revoked at the provider later, and only what
/// is written down here is left of it then.
package protocol ConnectionDeparture: Sendable {
    /// The credential goes with it.
    func willDelete(_ connection: Connection, cause: Cause, tx: any StoreTransaction) throws
    /// No connection uses it.
    func willDelete(_ credential: Credential, cause: Cause, tx: any StoreTransaction) throws
}

package struct NoDeparture: ConnectionDeparture {
    package init() {}

    package func willDelete(_: Connection, cause _: Cause, tx _: any StoreTransaction) throws {}
    package func willDelete(_: Credential, cause _: Cause, tx _: any StoreTransaction) throws {}
}
