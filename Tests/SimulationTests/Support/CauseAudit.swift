import Coordination

@testable import Engine

/// Every open run has a cause that will move it, or names what it waits for.
enum CauseAudit {
    static func faults(_ engine: CoordinationEngine) -> [String] {
        var engine = engine
        let waiting = Set(engine.recovering[engine.takenUp...])
        return engine.runs.indices.flatMap { (run: Int32) -> [String] in
            let state = engine.runs[run].machine.state
            if state.status.isClosed || waiting.contains(state.id) { return [] }
            let causes = engine.causes(of: run)
            if causes.isEmpty { return ["\(state.id): nobody can say why it does not move"] }
            return causes.filter { !isFounded($0, engine) }.map {
                "\(state.id): \($0.step) has a cause without ground: \($0.kind) \($0.message)"
            }
        }
    }

    /// Whether it names what it waits for, or says when it goes on.
    private static func isFounded(_ cause: RunCause, _ engine: CoordinationEngine) -> Bool {
        if cause.message.isEmpty { return false }
        switch cause.kind {
        case .run, .preparation, .decision, .parked, .elements, .mode: return true
        case .dependency, .breaker, .noAgent, .queue, .attempt:
            return !cause.waitsFor.isEmpty || cause.untilMillis > 0
        case .key: return !cause.waitsFor.isEmpty && cause.position >= 0
        case .retry: return cause.untilMillis > 0
        case .wait: return cause.untilMillis > 0 || !cause.waitsFor.isEmpty
        case .child:
            return cause.waitsFor.contains { RunID($0).map { engine.runIndex[$0] != nil } ?? false }
        }
    }
}
