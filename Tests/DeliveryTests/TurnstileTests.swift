import Synchronization
import Testing

@testable import Delivery

@Suite(.timeLimit(.minutes(1))) struct TurnstileTests {
    /// Counts who is inside.
    private final class Room: Sendable {
        private let state = Mutex((inside: 0, most: 0))

        var inside: Int { state.withLock { $0.inside } }
        var most: Int { state.withLock { $0.most } }

        func enter() {
            state.withLock { state in
                state.inside += 1
                state.most = max(state.most, state.inside)
            }
        }

        func leave() { state.withLock { $0.inside -= 1 } }
    }

    @Test func `no more than so many are inside`() async {
        let turnstile = Turnstile(capacity: 3)
        let room = Room()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    guard await turnstile.enter() else { return }
                    room.enter()
                    await Task.yield()
                    room.leave()
                    turnstile.leave()
                }
            }
        }
        #expect(room.most <= 3)
        #expect(room.inside == 0)
    }

    @Test func `who gives up leaves the line and takes no place`() async {
        let turnstile = Turnstile(capacity: 1)
        #expect(await turnstile.enter())
        let waiting = Task { await turnstile.enter() }
        waiting.cancel()
        #expect(await !waiting.value)
        turnstile.leave()
        #expect(await turnstile.enter())
    }
}
