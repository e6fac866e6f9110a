import Coordination
import Testing

@testable import Engine

/// Request ids are remembered by these words, over restarts and newer builds: they may not change.
@Suite struct RequestWordsTests {
    @Test(arguments: [
        (
            ForceBreaker.Change.override(.forcedOpen, forMillis: 5_000),
            "override(Coordination.BreakerOverride.Kind.forcedOpen, forMillis: Optional(5000))"
        ),
        (
            .override(.disabled, forMillis: nil),
            "override(Coordination.BreakerOverride.Kind.disabled, forMillis: nil)"
        ),
        (
            .override(.metricsOnly, forMillis: 1),
            "override(Coordination.BreakerOverride.Kind.metricsOnly, forMillis: Optional(1))"
        ),
        (.release, "release"), (.reset, "reset"),
    ])
    func `what is done to a breaker`(change: ForceBreaker.Change, words: String) {
        #expect(change.requestWords == words)
    }

    @Test func `when the mode changes`() {
        let policy = ModePolicy(
            degradedAtHigh: 3, normalAtHigh: 1, dwellMillis: 30_000, calmMillis: 5)
        #expect(
            policy.requestWords
                == "ModePolicy(degradedAtHigh: 3, normalAtHigh: 1, dwellMillis: 30000, calmMillis: 5)"
        )
    }

    @Test func `which run is meant`() {
        let run = RunReference.run(.default, RunID(serial: Serial(rawValue: 255)))
        #expect(run.requestWords == "run(default, 00000000000000ff)")
        let workflow = RunReference.workflow(Namespace("shop"), "order \"1\"")
        #expect(workflow.requestWords == #"workflow(shop, "order \"1\"")"#)
    }
}
