import Testing

@testable import Coordination

@Suite struct CodecTests {
    static let failure = StepFailure(
        type: "boom", message: "it broke", retryable: true, retryAfterMillis: 250)
    static let token = AssignmentToken(serial: Serial(rawValue: 0x0102_0304_0000_0005))
    static let payload = PayloadID(serial: Serial(rawValue: 0x0102_0304_0000_0009))

    static let events: [HistoryEventKind] = [
        .runStarted(input: payload),
        .stepScheduled(step: "a", attempt: 1, notBefore: 1_000),
        .stepStarted(step: "a", attempt: 1, agent: AgentID("t/1"), token: token),
        .stepCompleted(step: "a", attempt: 1, output: payload),
        .stepFailed(step: "b", attempt: 2, failure: failure, willRetry: true),
        .stepTimedOut(step: "b", attempt: 3, failure: nil, willRetry: false),
        .stepSkipped(step: "c", reason: "r"),
        .stepCancelled(step: "d", attempt: 1, reason: "r"),
        .runCompleted(result: payload), .runFailed(failure: failure),
        .runCancelled(reason: "enough"), .runTimedOut,
    ]

    static let history = events.enumerated().map { index, kind in
        HistoryEvent(sequence: Int64(index) + 5, atMillis: 1_000 + Int64(index), kind: kind)
    }

    static let definition = WorkflowDefinition(
        name: "n", version: "2", summary: "s",
        steps: [
            StepDefinition(
                id: "a", agentType: "t", operation: "o", inputTemplate: "1", isRequired: false,
                startToCloseMillis: 5_000,
                retry: RetryPolicy(
                    maxAttempts: 2, initialMillis: 10, factor: 1.5, maxMillis: 20,
                    nonRetryableTypes: ["x"])),
            StepDefinition(id: "b", agentType: "t", operation: "o", dependsOn: ["a"]),
        ], resultTemplate: "${steps.b.output}", runTimeoutMillis: 60_000)

    // Golden bytes: what version 1 has written will be on disks for ever. Never change these;
    // a new version gets golden bytes of its own.
    static let goldenHistory =
        "010c0ad00f000189808080c0e08081010202016101d00f040301610103742f3185808080c0e08081"
        + "01060401610189808080c0e0808101080501620204626f6f6d0869742062726f6b650101f403010a"
        + "06016203000c07016301720e080164010172100989808080c0e0808101120a04626f6f6d08697420"
        + "62726f6b650101f403140b06656e6f756768160c"
    static let goldenDefinition =
        "01016e013201730111247b73746570732e622e6f75747075747d01c0a9070201610174016f000101"
        + "3100904e0414000000000000f83f2801017801620174016f0101610001e0d40306d00f0000000000"
        + "000040c09a0c00"
    static let goldenRun =
        "0189808080c0e080810189808080c0e080810101c0b281010c030000020601010000000104011200"
        + "010178026e6f0100030100000186808080c0e0808101120116000000"

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }

    @Test func `what version 1 wrote is read for ever`() throws {
        #expect(try HistoryCodec.decode(Self.bytes(Self.goldenHistory)) == Self.history)
        #expect(try DefinitionCodec.decode(Self.bytes(Self.goldenDefinition)) == Self.definition)
    }

    @Test(arguments: [
        goldenHistory, LaterCodecTests.goldenHistory, ContractCodecTests.goldenHistory,
    ])
    func `events are written as the version that brought them wrote them`(golden: String) throws {
        let bytes = Self.bytes(golden)
        let events = try HistoryCodec.decode(bytes)
        #expect(HistoryCodec.encode(events) == [HistoryCodec.version] + bytes.dropFirst())
    }

    /// A run in the middle: one step failed for good, the next one runs.
    static func runState(leaseMillis: Int? = nil) throws -> RunState {
        let plan = try WorkflowPlan(definition)
        var machine = RunMachine(
            RunState(
                id: RunID(serial: Serial(rawValue: 77)), namespace: .default, workflowID: "w",
                plan: plan, planID: payload, input: payload, inputBytes: 3,
                startedMillis: 1_000_000))
        var out = RunOutput()
        machine.started(at: 1_000_000, into: &out)
        machine.dispatched(0, token: token, agent: AgentID("t/1"), at: 1_000_002, into: &out)
        _ = machine.failureReceived(
            0, token: token, StepFailure(type: "x", message: "no", retryable: true),
            at: 1_000_009, random: 0, into: &out)
        let next = AssignmentToken(serial: Serial(rawValue: token.serial.rawValue + 1))
        machine.dispatched(
            1, token: next, agent: AgentID("t/1"), leaseMillis: leaseMillis, at: 1_000_011,
            into: &out)
        if leaseMillis != nil {
            machine.heartbeatReceived(
                1, token: next, Payload(bytes: [0x37], contentType: "text/plain"))
        }
        return machine.state
    }

    /// A blob may say of an attempt when it was due, rather than when it began.
    private static func olderRunState(leaseMillis: Int? = nil) throws -> RunState {
        var state = try runState(leaseMillis: leaseMillis)
        state.steps[0].notBeforeMillis = 1_000_000
        state.steps[1].notBeforeMillis = 1_000_009
        return state
    }

    static func columns(_ state: RunState) -> RunCodec.Columns {
        RunCodec.Columns(
            id: state.id, namespace: state.namespace, workflowID: state.workflowID,
            status: state.status.rawValue, startedMillis: state.startedMillis,
            closedMillis: state.closedMillis)
    }

    /// As `goldenRun`, but in remote hands and with a heartbeat.
    static let goldenRun2 =
        "0289808080c0e080810189808080c0e080810101c0b281010c030000020601010000000104011200"
        + "010178026e6f0100030100000186808080c0e080810112011600000001010103742f31904e010a74"
        + "6578742f706c61696e0137"

    @Test func `runs of version 2 remember who holds a step, and its last heartbeat`() throws {
        let state = try Self.olderRunState(leaseMillis: 10_000)
        let read = try RunCodec.decode(
            Self.bytes(Self.goldenRun2), Self.columns(state), plan: state.plan)
        #expect(read.steps == state.steps)
        let holder = AssignmentHolder(agent: AgentID("t/1"), leaseMillis: 10_000)
        #expect(read.steps[1].holder == holder)
        #expect(read.steps[1].heartbeat == Payload(bytes: [0x37], contentType: "text/plain"))
    }

    @Test func `runs of version 1 are read for ever`() throws {
        let state = try Self.olderRunState()
        let read = try RunCodec.decode(
            Self.bytes(Self.goldenRun), Self.columns(state), plan: state.plan)
        #expect(read.steps == state.steps)
        #expect(read.summary == state.summary)
        #expect(read.payloadBytes == state.payloadBytes)
        #expect(try RunCodec.planID(of: Self.bytes(Self.goldenRun)) == Self.payload)
    }

    static let goldenTimeout =
        "05010ad00f00200162030104626f6f6d0869742062726f6b650101f403"

    @Test func `timeouts are written with their reason as version 5 always was`() throws {
        let history = [
            HistoryEvent(
                sequence: 5, atMillis: 1_000,
                kind: .stepTimedOut(
                    step: "b", attempt: 3, failure: Self.failure, willRetry: true))
        ]
        #expect(Self.hex(HistoryCodec.encode(history)) == Self.goldenTimeout)
        #expect(try HistoryCodec.decode(Self.bytes(Self.goldenTimeout)) == history)
    }

    @Test func `every shortened or newer blob is refused`() throws {
        let history = HistoryCodec.encode(Self.history)
        let state = try Self.runState()
        let run = RunCodec.encode(state)
        let definition = DefinitionCodec.encode(Self.definition)
        for length in 0..<history.count {
            #expect(throws: CodecError.self) {
                try HistoryCodec.decode(Array(history[..<length]))
            }
        }
        for length in 0..<run.count {
            #expect(throws: CodecError.self) {
                try RunCodec.decode(Array(run[..<length]), Self.columns(state), plan: state.plan)
            }
        }
        for length in 0..<definition.count {
            #expect(throws: CodecError.self) {
                try DefinitionCodec.decode(Array(definition[..<length]))
            }
        }
        #expect(throws: CodecError.self) {
            try HistoryCodec.decode([HistoryCodec.version + 1] + history.dropFirst())
        }
    }

    @Test(arguments: [Int64.min, -129, -64, -1, 0, 1, 63, 64, 127, 128, 1 << 40, .max])
    func `integers survive`(value: Int64) throws {
        var writer = ByteWriter()
        writer.signed(value)
        writer.unsigned(UInt64(bitPattern: value))
        writer.double(Double(value))
        var reader = ByteReader(writer.bytes)
        #expect(try reader.signed() == value)
        #expect(try reader.unsigned() == UInt64(bitPattern: value))
        #expect(try reader.double() == Double(value))
        #expect(reader.remaining == 0)
    }

    @Test func `damaged bytes are refused, never trapped`() throws {
        var state: UInt64 = 99
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        let run = try Self.runState()
        let blobs = [HistoryCodec.encode(Self.history), RunCodec.encode(run)]
        for _ in 0..<3_000 {
            for blob in blobs {
                var damaged = blob
                damaged[Int(next()) % blob.count] = UInt8(truncatingIfNeeded: next())
                _ = try? HistoryCodec.decode(damaged)
                _ = try? RunCodec.decode(damaged, Self.columns(run), plan: run.plan)
                _ = try? DefinitionCodec.decode(damaged)
            }
        }
    }
}
