/// What the sweep may have under way, and how much it keeps in mind.
package struct SweepLimits: Sendable {
    /// Looks at once.
    package var total = 64
    /// The same while somebody waits for answers of ours. It is more than one host may have, so that one which hangs does not
    /// hold up the others.
    package var totalBesideRequests = 8
    /// The same of one host, over all workspaces: a provider sees us as one.
    package var perOrigin = 4
    /// The same of one workspace, so that none has the whole sweep to itself.
    package var perWorkspace = 16
    /// Connections whose turn has come, and that wait. The others stay in the store until there is room.
    package var waiting = 8_192
    /// The same of one host, so that a slow one with many connections does not keep others out.
    package var waitingPerHost = 512
    /// Read from the store at once.
    package var page = 512
    /// Reports in a row that nothing answers at a host, after which it is left alone.
    package var failuresToLose = 3

    package init() {}
}
