import Coordination
import Messages
import Testing

@testable import cadre

@Suite struct WordsTests {
    @Test func `an enum's words are its values' names without its own`() {
        #expect(
            Messages.RunStatus.allCases.map(\.word) == [
                "unknown", "running", "completed", "failed", "cancelled", "timed_out", "terminated",
                "paused", "compensating", "queued", "continued_as_new",
            ])
        #expect(
            Messages.StepKind.allCases.map(\.word) == [
                "unknown", "invoke", "wait", "approval", "publish", "child", "fan_out",
                "continue_as_new", "ballot",
            ])
        #expect(HistoryEventType.stepModeApplied.word == "step_mode_applied")
        // The first value of these has a meaning of its own.
        #expect(
            Messages.BreakerState.allCases.map(\.word) == [
                "closed", "open", "half_open", "forced_open", "disabled", "metrics_only",
            ])
        #expect(
            Messages.OperatingMode.allCases.map(\.word) == ["normal", "degraded", "emergency"])
    }

    @Test func `what was left unsaid has the word that it means`() {
        #expect(
            Messages.BreakerSeverity.allCases.map(\.word) == [
                "medium", "low", "medium", "high", "critical",
            ])
        #expect(Messages.LockMode.allCases.map(\.word) == ["exclusive", "exclusive", "shared"])
        #expect(
            Messages.CompensationState.allCases.map(\.word) == [
                "", "running", "compensated", "failed",
            ])
        #expect(CacheTier.unspecified.word == "" && CacheResult.unspecified.word == "")
    }

    @Test func `a value of a newer server is unknown`() {
        #expect(Messages.RunStatus(rawValue: 99).word == "unknown")
        #expect(Messages.BreakerSeverity(rawValue: 99).word == "unknown")
    }

    @Test func `clients and labels have the same words for a run's status`() {
        let known = Messages.RunStatus.allCases.compactMap(\.knownWord)
        #expect(Coordination.RunStatus.allCases.map(\.word) == known)
    }
}
