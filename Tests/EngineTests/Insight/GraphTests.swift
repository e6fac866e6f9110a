import Coordination
import Store
import Testing

@testable import Engine

/// Following how runs change.
@Suite struct GraphTests {
    static func watch(
        _ bench: inout EngineBench, runs: Set<RunID> = [], after: Int64? = nil
    ) -> UInt64 {
        bench.send {
            .insight(
                .watchGraphs(WatchGraphs(namespace: .default, runs: runs, after: after)), $0)
        }
    }

    static func changes(_ answers: [Answer]?) -> [(run: RunID, status: RunStatus, sequence: Int64)]
    {
        (answers ?? []).compactMap {
            guard case .insight(.changed(let summary, let sequence)) = $0 else { return nil }
            return (summary.id, summary.status, sequence)
        }
    }

    static func first(_ answers: [Answer]?) -> (runs: [RunID], ended: [RunID], sequence: Int64)? {
        guard case .insight(.graphs(let runs, let ended, let sequence))? = answers?.first else {
            return nil
        }
        return (runs.map(\.id), ended, sequence)
    }

    @Test func `a watcher sees every change in order, and may go on behind any it has seen`() {
        var bench = KeyEngineTests.bench(WorkflowDefinition.chain(2, name: "w"))
        let before = bench.start("w")
        let watch = Self.watch(&bench)
        #expect(
            Self.first(bench.answers[watch])?.runs == [], "those that change come by themselves")
        let run = bench.start("w")
        for dispatch in bench.dispatches { bench.finish(dispatch, EngineBench.success) }
        let seen = Self.changes(bench.answers[watch])
        #expect(Set(seen.map(\.run)) == [before, run])
        #expect(seen.map(\.sequence) == seen.map(\.sequence).sorted())
        #expect(Set(seen.map(\.sequence)).count == seen.count)
        let middle = seen[0].sequence
        let later = Self.watch(&bench, after: middle)
        let resumed = Self.first(bench.answers[later])
        #expect(resumed?.runs.isEmpty == false)
        #expect(resumed?.sequence == seen.last?.sequence)
        let newest = seen.last?.sequence ?? 0
        let last = Self.watch(&bench, after: newest)
        let nothing = Self.first(bench.answers[last])
        #expect(nothing?.runs == [] && nothing?.ended == [])
    }

    @Test func `runs that are asked for come as they are, and those that have ended by name`() {
        var bench = KeyEngineTests.bench(WorkflowDefinition.chain(1, name: "w"))
        let ended = bench.start("w")
        bench.finishLast(EngineBench.success)
        let open = bench.start("w")
        let watch = Self.watch(&bench, runs: [ended, open])
        let start = Self.first(bench.answers[watch])
        #expect(start?.runs == [open] && start?.ended == [ended])
        _ = bench.start("w")
        #expect(Self.changes(bench.answers[watch]).isEmpty, "not asked for")
        bench.send { .cancelRun(CancelRun(run: .run(.default, open), reason: ""), $0) }
        #expect(Self.changes(bench.answers[watch]).map(\.status) == [.cancelled])
    }

    @Test func `a number that is not held is refused with the oldest that is`() throws {
        var bench = KeyEngineTests.bench(WorkflowDefinition.chain(1, name: "w"))
        _ = bench.start("w")
        let oldest = bench.engine.graphs.oldest
        try bench.restart()
        #expect(bench.engine.graphs.oldest > oldest, "numbers grow over restarts")
        let old = Self.watch(&bench, after: oldest)
        let refused = bench.answers[old]?.last?.rejection
        #expect(refused?.code == .outOfRange)
        #expect(refused?.details["oldest_sequence"] == "\(bench.engine.graphs.oldest)")
        let future = Self.watch(&bench, after: .max)
        let ahead = bench.answers[future]?.last?.rejection
        #expect(ahead?.reason == "SEQUENCE_GONE")
    }

    @Test func `the log is a ring, and tells of each run once`() {
        var log = GraphLog(epoch: Epoch(rawValue: 3), maxEntries: 4)
        let runs = (1...3).map { RunID(serial: Serial(rawValue: UInt64($0))) }
        let all = WatchGraphs(namespace: .default, runs: [], after: nil)
        let begin = log.newest
        for run in [runs[0], runs[1], runs[0]] { _ = log.note(run, .default) }
        #expect(log.changed(after: begin, all) == [runs[0], runs[1]])
        #expect(log.changed(after: begin + 1, all) == [runs[1], runs[0]])
        for _ in 1...3 { _ = log.note(runs[2], .default) }
        #expect(log.oldest == begin + 2)
        #expect(log.changed(after: begin + 2, all) == [runs[0], runs[2]])
        let one = WatchGraphs(namespace: .default, runs: [runs[0]], after: nil)
        #expect(log.changed(after: begin + 2, one) == [runs[0]])
        let other = WatchGraphs(namespace: Namespace("other"), runs: [], after: nil)
        #expect(log.changed(after: begin + 2, other) == [])
    }
}
