import Coordination
import Testing

@Suite struct BatchPayloadTests {
    private static func json(_ text: String) -> Payload { Payload(bytes: Array(text.utf8)) }

    private static func text(_ payload: Payload) -> String {
        String(decoding: payload.bytes, as: UTF8.self)
    }

    @Test func `items are joined as they are`() {
        let joined = BatchPayload.join([Self.json("{}"), Self.json(" 1"), Self.json("\"a\"")])
        #expect(Self.text(joined) == #"{"items":[{}, 1,"a"]}"#)
    }

    @Test func `each result is a value or a failure of its own`() throws {
        let answer =
            #"{"results":[{"value":{"a":1}},{"failure":{"type":"t","message":"m","#
            + #""retryable":true,"retry_after_millis":5}},{"value":null},{},{"failure":{}}]}"#
        let results = try BatchPayload.split(Self.json(answer), count: 5).get()
        #expect(results[0] == .value(Self.json(#"{"a":1}"#)))
        #expect(
            results[1]
                == .failure(
                    StepFailure(type: "t", message: "m", retryable: true, retryAfterMillis: 5)))
        #expect(results[2] == .value(Self.json("null")))
        guard case .failure(let neither) = results[3], case .failure(let bare) = results[4] else {
            Issue.record("\(results)")
            return
        }
        #expect(neither.type == "batch_answer_invalid" && neither.message.contains("results[3]"))
        #expect(bare.type == "item_failed" && !bare.retryable)
    }

    @Test(arguments: ["", "[]", "{}", #"{"results":{}}"#, #"{"results":[{"value":1}]}"#])
    func `an answer that is none fails as a whole`(text: String) {
        guard case .failure(let failure) = BatchPayload.split(Self.json(text), count: 2) else {
            Issue.record("\(text) was taken")
            return
        }
        #expect(failure.type == "batch_answer_invalid" && !failure.retryable)
    }

    @Test func `stored bytes come back, and those of version 1 for ever`() throws {
        let definition = BatchDefinition(
            operation: "o", agentType: "t", agentOperation: "p", maxItems: 300,
            maxDelayMillis: 5, maxBytes: 7, maxInFlight: 2, maxWaiting: 9, timeoutMillis: 11,
            onFailure: .retryItems(attempts: 4, millis: 6))
        let bytes = BatchCodec.encode(definition)
        #expect(bytes == [1, 1, 111, 1, 116, 1, 112, 172, 2, 10, 7, 2, 9, 22, 2, 4, 12])
        #expect(try BatchCodec.decode(bytes) == definition)
        let plain = BatchDefinition(operation: "o", agentType: "t")
        #expect(try BatchCodec.decode(BatchCodec.encode(plain)) == plain)
        var item = StoredItem(
            operation: "o", requestID: "r", fingerprint: 3, atMillis: -4, attempts: 2,
            payload: Self.json("{}"))
        #expect(
            BatchCodec.encode(item) == [
                1, 1, 111, 1, 114, 3, 7, 2, 16, 97, 112, 112, 108, 105, 99, 97, 116, 105, 111, 110,
                47, 106, 115, 111, 110, 2, 123, 125, 0,
            ])
        for outcome in [
            nil, StoredItem.Outcome.value(Self.json("[1]")),
            .failure(StepFailure(type: "t", message: "m", retryable: true, retryAfterMillis: 3)),
            .failure(StepFailure(type: "t", message: "m", retryable: false)),
        ] {
            item.outcome = outcome
            let stored = BatchCodec.encode(item)
            #expect(try BatchCodec.decodeItem(stored) == item)
            for length in stored.indices {
                #expect(throws: CodecError.self) {
                    try BatchCodec.decodeItem(Array(stored[..<length]))
                }
            }
        }
        #expect(throws: CodecError.self) { try BatchCodec.decode([2]) }
    }

    @Test func `a definition names everything that is wrong`() {
        let wrong = BatchDefinition(
            operation: "", agentType: String(repeating: "x", count: 257), maxItems: 1_001,
            maxDelayMillis: 0, maxBytes: -1, maxInFlight: 101, maxWaiting: 0, timeoutMillis: -1,
            onFailure: .retryItems(attempts: 1, millis: 0))
        #expect(
            Set(wrong.faults("batch.").map(\.field))
                == [
                    "batch.operation", "batch.agent_type", "batch.max_items",
                    "batch.max_delay_millis", "batch.max_bytes", "batch.max_in_flight",
                    "batch.max_waiting", "batch.timeout_millis", "batch.max_attempts",
                    "batch.retry_millis",
                ])
        #expect(BatchDefinition(operation: "o", agentType: "t").faults("").isEmpty)
    }
}
