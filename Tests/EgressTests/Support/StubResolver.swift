import Connections
import Egress
import Synchronization

/// Knows the names that a test gave it. The answers of one name are given one after the other, the last one for ever.
final class StubResolver: EgressResolver {
    struct Unknown: Error {}

    private let answers: Mutex<[String: [[String]]]>
    private let asked = Mutex<[String]>([])

    init(_ answers: [String: [[String]]]) { self.answers = Mutex(answers) }

    convenience init(_ answers: [String: [String]]) { self.init(answers.mapValues { [$0] }) }

    /// Every name that was looked up, in order.
    var questions: [String] { asked.withLock { $0 } }

    func addresses(of host: String, port: Int) async throws -> [IPAddress] {
        asked.withLock { $0.append(host) }
        let answer = answers.withLock { answers -> [String]? in
            guard let script = answers[host] else { return nil }
            if script.count > 1 { answers[host]?.removeFirst() }
            return script.first
        }
        guard let answer else { throw Unknown() }
        return answer.compactMap { IPAddress($0) }
    }
}

/// Never answers.
struct SilentResolver: EgressResolver {
    func addresses(of host: String, port: Int) async throws -> [IPAddress] {
        for await _ in AsyncStream<Never>.makeStream().stream {}
        throw CancellationError()
    }
}
