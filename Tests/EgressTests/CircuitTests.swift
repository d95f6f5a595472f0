import Connections
import NIOCore
import Testing

@testable import Egress

@Suite struct CircuitTests {
    /// A circuit of five failures and thirty seconds, in seconds since its beginning.
    private final class Line {
        private let start = ContinuousClock.now
        private var circuit = Circuit(failuresToOpen: 5, pause: .seconds(30))

        func admit(at second: Int = 0) -> Circuit.Admission? { circuit.admit(at: start + .seconds(second)) }

        @discardableResult
        func settle(_ admission: Circuit.Admission, _ evidence: Circuit.Evidence, at second: Int = 0) -> Bool {
            circuit.settle(admission, evidence, at: start + .seconds(second))
        }

        /// Whether it opened by the last of so many requests, one after the other.
        @discardableResult
        func end(_ count: Int, _ evidence: Circuit.Evidence) -> Bool {
            (0..<count).reduce(false) { opened, _ in admit().map { settle($0, evidence) } ?? opened }
        }
    }

    private let line = Line()

    @Test func opensAtTheFifthFailureInARow() {
        #expect(!line.end(4, .unreachable))
        #expect(line.end(1, .unreachable))
        #expect(line.admit() == nil)
    }

    @Test func aSuccessBetweenStartsAnew() {
        for _ in 0..<20 {
            #expect(!line.end(4, .unreachable))
            line.end(1, .reached)
        }
        #expect(line.admit() != nil)
    }

    @Test func whatSaysNothingCountsForNothing() {
        line.end(4, .unreachable)
        #expect(!line.end(9, .none))
        #expect(line.end(1, .unreachable))
    }

    @Test func failuresSideBySideAreOne() {
        for wave in 1...5 {
            let admissions = (0..<64).compactMap { _ in line.admit() }
            #expect(admissions.count == 64)
            for admission in admissions { line.settle(admission, .unreachable) }
            #expect((line.admit() == nil) == (wave == 5))
        }
    }

    @Test func oneTrialAfterThePause() throws {
        line.end(5, .unreachable)
        #expect(line.admit(at: 29) == nil)
        let trial = try #require(line.admit(at: 30))
        #expect(line.admit(at: 31) == nil)
        line.settle(trial, .reached, at: 32)
        #expect((0..<9).compactMap { _ in line.admit(at: 32) }.count == 9)
    }

    @Test func aTrialThatFailsOpensItAgain() throws {
        line.end(5, .unreachable)
        let trial = try #require(line.admit(at: 30))
        #expect(line.settle(trial, .unreachable, at: 40))
        #expect(line.admit(at: 69) == nil)
        #expect(line.admit(at: 70) != nil)
    }

    @Test func aTrialThatIsGivenUpLeavesRoomForTheNext() throws {
        line.end(5, .unreachable)
        line.settle(try #require(line.admit(at: 30)), .none, at: 30)
        #expect(line.admit(at: 30) != nil)
    }

    @Test func latecomersDoNotProlongIt() throws {
        let late = try #require(line.admit())
        line.end(5, .unreachable)
        line.settle(late, .unreachable, at: 20)
        #expect(line.admit(at: 30) != nil)
    }

    @Test func aLateSuccessClosesIt() throws {
        let late = try #require(line.admit())
        line.end(5, .unreachable)
        line.settle(late, .reached, at: 1)
        #expect(line.admit(at: 1) != nil)
    }

    // MARK: Through the door

    struct Failure: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let host: String
        let answer: ScriptedServer.Answer
        let error: EgressError
        let opens: Bool

        init(
            _ description: String, host: String = "api", _ answer: ScriptedServer.Answer, _ error: EgressError,
            opens: Bool
        ) {
            testDescription = description
            self.host = host
            self.answer = answer
            self.error = error
            self.opens = opens
        }
    }

    @Test(arguments: [
        Failure("nobody listens", host: "closed", .silence, .connectFailed, opens: true),
        Failure("no such name", host: "unknown", .silence, .nameNotResolved, opens: true),
        Failure("no answer", .silence, .timedOut, opens: true),
        Failure("refused", host: "private", .silence, .destinationRefused, opens: false),
        Failure("hangs up", .bytesThenClose([]), .connectionLost, opens: false),
        Failure("garbage", .bytesThenClose(Array("no HTTP\r\n".utf8)), .protocolError, opens: false),
    ])
    func whatOpensIt(_ failure: Failure) async throws {
        let server = try await ScriptedServer { _ in failure.answer }
        defer { server.stop() }
        let resolver = StubResolver([
            "api.example.test": ["127.0.0.1"], "closed.example.test": ["127.0.0.3"],
            "private.example.test": ["10.0.0.1"],
        ])
        let clock = ManualClock()
        try await Door.open(allowing: ["127.0.0.0/8:\(server.port)"], resolver: resolver, clock: clock) { egress in
            let url = "http://\(failure.host).example.test:\(server.port)/"
            let timeout: Duration = failure.error == .timedOut ? .milliseconds(300) : .seconds(30)
            for _ in 0..<5 { #expect(await egress.outcome(of: url, timeout: timeout) == .failed(failure.error)) }
            let sixth = await egress.outcome(of: url, timeout: timeout)
            #expect(sixth == .failed(failure.opens ? .circuitOpen : failure.error))
        }
    }

    private struct Whatever: Error {}

    @Test(arguments: [
        (ResponseCollector.Phase.connecting, true, EgressError.timedOut, Circuit.Evidence.unreachable),
        (.sent, true, .timedOut, .unreachable), (.answering, true, .timedOut, .reached),
        (.connecting, false, .connectFailed, .unreachable), (.sent, false, .connectionLost, .reached),
        (.answering, false, .connectionLost, .reached),
    ])
    func whatAFailureSays(
        _ phase: ResponseCollector.Phase, _ isLate: Bool, _ error: EgressError, _ evidence: Circuit.Evidence
    ) {
        let failure = ExchangeFailure(
            Whatever(), in: phase, deadline: .now() + (isLate ? .zero : .seconds(60)), isCancelled: false)
        #expect(failure.error == error)
        #expect(failure.evidence == evidence)
        #expect(failure.mayTryAgain == (phase == .connecting && !isLate))
        #expect(ExchangeFailure(Whatever(), in: phase, deadline: .now(), isCancelled: true).error == .closed)
    }

    @Test func itClosesAgain() async throws {
        let resolver = StubResolver(["api.example.test": [[], [], [], [], [], [], ["127.0.0.1"]]])
        let server = try await ScriptedServer { _ in .http() }
        defer { server.stop() }
        let clock = ManualClock()
        try await Door.open(allowing: [server.allowance], resolver: resolver, clock: clock) { egress in
            let url = "http://api.example.test:\(server.port)/"
            for _ in 0..<5 { #expect(await egress.outcome(of: url) == .failed(.nameNotResolved)) }
            #expect(await egress.outcome(of: url) == .failed(.circuitOpen))
            // Another port is another circuit.
            #expect(await egress.outcome(of: "https://api.example.test:1/") == .failed(.nameNotResolved))
            clock.advance(by: .seconds(30))
            #expect(await egress.outcome(of: url) == .status(200))
            #expect(await egress.outcome(of: url) == .status(200))
        }
    }
}
