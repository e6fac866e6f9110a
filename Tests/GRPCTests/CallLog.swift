import GRPC
import NIOConcurrencyHelpers
import NIOCore

/// What happened on the server, as words in order, for tests on other threads; also the server's
/// call observer.
final class CallLog: CallObserver {
    private struct State {
        var words: [String] = []
        var maxima: [String: Int] = [:]
        var ended: [(method: String, summary: CallSummary)] = []
        var started = 0
        var waiters: [(word: String, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = NIOLockedValueBox(State())

    /// Appends a word and wakes who waits for it.
    func note(_ word: String) {
        let due = state.withLockedValue { state in
            state.words.append(word)
            let due = state.waiters.filter { word.hasPrefix($0.word) }
            state.waiters.removeAll { word.hasPrefix($0.word) }
            return due
        }
        for waiter in due { waiter.continuation.resume() }
    }

    /// Waits until something that begins with `word` has been noted.
    func wait(for word: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLockedValue { state in
                if state.words.contains(where: { $0.hasPrefix(word) }) { return true }
                state.waiters.append((word, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    var words: [String] { state.withLockedValue { $0.words } }
    var started: Int { state.withLockedValue { $0.started } }
    var ended: [(method: String, summary: CallSummary)] { state.withLockedValue { $0.ended } }

    func raise(_ name: String, _ value: Int) {
        state.withLockedValue { $0.maxima[name] = Swift.max($0.maxima[name] ?? 0, value) }
    }

    func highest(_ name: String) -> Int { state.withLockedValue { $0.maxima[name] ?? 0 } }

    func observer(of method: MethodDescriptor?) -> any MethodObserver {
        Method(log: self, name: method?.name ?? "other")
    }

    private struct Method: MethodObserver {
        let log: CallLog
        let name: String

        func callStarted() { log.state.withLockedValue { $0.started += 1 } }

        func callEnded(_ summary: CallSummary) {
            log.state.withLockedValue { $0.ended.append((name, summary)) }
            log.note("\(name) ended \(summary.code.name)")
        }
    }
}
