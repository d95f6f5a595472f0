/// What is wrong with the door's configuration. It repeats no value: a proxy's URL may hold a password.
package enum EgressConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    case invalidProxy
    case unreadableRoots

    package var description: String {
        switch self {
        case .invalidProxy: "the outbound proxy must look like http://user:password@host:port"
        case .unreadableRoots: "the file of extra roots holds no PEM certificates that can be read"
        }
    }
}
