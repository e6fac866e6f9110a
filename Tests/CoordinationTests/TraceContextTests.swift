import Coordination
import Testing

@Suite struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test func `what the standard allows is kept as it came`() {
        let text = "00-\(Self.trace)-\(Self.span)-01"
        #expect(TraceContext(traceparent: text)?.traceparent == text)
        // Of a later version the part that is known.
        let later = "cc-\(Self.trace)-\(Self.span)-01"
        #expect(TraceContext(traceparent: later)?.traceparent == later)
        #expect(TraceContext(traceparent: later + "-what-comes")?.traceparent == later)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-01-more", "00-\(trace)-\(span)-0",
        "ff-\(trace)-\(span)-01", "00-\(trace.uppercased())-\(span)-01",
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "cc-\(trace)-\(span)-01more", "00_\(trace)_\(span)_01", "0g-\(trace)-\(span)-01",
    ])
    func `anything else counts as not sent`(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test func `a run keeps it`() throws {
        let plan = try WorkflowPlan(ContractCodecTests.definition)
        var state = RunState(
            id: RunID(serial: Serial(rawValue: 77)), namespace: .default, workflowID: "w",
            plan: plan, planID: CodecTests.payload, input: CodecTests.payload, inputBytes: 3,
            startedMillis: 1_000_000)
        let trace = try #require(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-00"))
        state.setTrace(trace)
        let read = try RunCodec.decode(
            RunCodec.encode(state), CodecTests.columns(state), plan: plan)
        #expect(read.extra.value.trace == trace)
    }
}
