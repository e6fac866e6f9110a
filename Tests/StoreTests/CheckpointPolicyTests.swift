import Testing

@testable import Store

@Suite struct CheckpointPolicyTests {
    /// Feeds a policy with a mark of 100 pages what the store thread saw after each commit.
    private func actions(
        _ commits: [(pages: Int, finished: Bool)]
    ) -> [CheckpointPolicy.Action] {
        var policy = CheckpointPolicy(mark: 100)
        return commits.map { policy.committed(loggedPages: $0.pages, finishedBeside: $0.finished) }
    }

    @Test func `the bulk is copied beside once the mark is passed, and only once`() {
        #expect(actions([(99, false), (100, false), (900, false)]) == [.none, .copyBeside, .none])
    }

    @Test func `the writer copies the rest as soon as the bulk is copied`() {
        // Then the log starts over, and the next round is due at the mark again.
        #expect(
            actions([(100, false), (130, true), (5, false), (101, false)])
                == [.copyBeside, .copyRest, .none, .copyBeside])
    }

    @Test func `nothing is left to copy when the log has started over by itself`() {
        #expect(
            actions([(100, false), (7, true), (100, false)]) == [.copyBeside, .none, .copyBeside])
    }

    @Test func `while a reader holds the log, tries are a mark apart`() {
        #expect(
            actions([(100, false), (130, true), (140, false), (229, false), (230, false)])
                == [.copyBeside, .copyRest, .none, .none, .copyBeside])
    }
}
