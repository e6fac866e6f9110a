import Coordination
import Messages
import Testing

@testable import Services

struct HistoryEventTests {
    @Test func `a timeout says which time was over, if it is known`() {
        let failure = StepFailure(
            type: "heartbeat_timeout", message: "no heartbeat within 5 ms", retryable: true)
        for known in [failure, nil] {
            let event = Messages.HistoryEvent(
                Coordination.HistoryEvent(
                    sequence: 7, atMillis: 1_000,
                    kind: .stepTimedOut(step: "s", attempt: 2, failure: known, willRetry: true)),
                payload: nil)
            #expect(event.type == .stepTimedOut && event.step == "s" && event.willRetry)
            #expect(event.failure?.type == known?.type)
        }
    }
}
