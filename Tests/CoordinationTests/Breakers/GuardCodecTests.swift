import Coordination
import Testing

/// Stored bytes of version 1, put together by hand from the format; this build must read and write
/// exactly these.
@Suite struct GuardCodecTests {
    static let now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_000)

    static func bytes(_ hex: String) -> [UInt8] {
        var digits = Substring(hex)
        var bytes: [UInt8] = []
        while !digits.isEmpty {
            bytes.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
            digits = digits.dropFirst(2)
        }
        return bytes
    }

    @Test func `a breaker on calls is written and read as version 1 has it`() throws {
        let golden = Self.bytes(
            "0101620173010161016f0101780101641401000000000000e03f00c0a907000503c0a907"
                + "904e0000000000000040c0cf249a9999999999c93fc0a907020101010002010301720361"
                + "6e6ed00f01a01f00000000000000000000d00f000000")
        let definition = BreakerDefinition(
            name: "b", summary: "s", rules: .calls(.defaults),
            binding: .init(agentType: "a", operation: "o", excludedFailures: ["x"]))
        var breaker = GuardingBreaker(definition, at: Self.now)
        let override = BreakerOverride(
            kind: .forcedOpen, reason: "r", actor: "ann", sinceMillis: 1_000, untilMillis: 2_000)
        breaker.forced(override, at: Self.now)
        #expect(BreakerCodec.encode(breaker, at: Self.now) == golden)
        let read = try BreakerCodec.decode(golden, at: Self.now)
        #expect(read.definition == definition)
        #expect(read.override == override)
        #expect(read.state == .forcedOpen)
    }

    @Test func `a breaker on a value is written and read as version 1 has it`() throws {
        let golden = Self.bytes(
            "01016d0000020200000000000014c000000000000000c00e040200010101020001050000"
                + "0000000014c000000000000018c0010100d00f0100000000000018c00002000000000002"
                + "00d00f")
        let policy = MetricPolicy(
            direction: .below, tripAt: -5, recoverAt: -2, holdMillis: 7, severity: .critical,
            recovery: .latched)
        var breaker = GuardingBreaker(
            BreakerDefinition(name: "m", rules: .metric(policy)), at: Self.now)
        _ = breaker.reported(-6, at: Self.now)
        #expect(BreakerCodec.encode(breaker, at: Self.now) == golden)
        let read = try BreakerCodec.decode(golden, at: Self.now)
        #expect(read.state == .open)
        #expect(read.lastTrip?.observed == -6)
        #expect(read.lastValue == -6)
    }

    @Test func `a mode with an emergency under way is written and read as version 1 has it`() throws
    {
        let golden = Self.bytes(
            "010200e0d403a09c01000102017203616e6ed00f00d00f00904ec0a907010468616c7401"
                + "047269736b0468616c74106170706c69636174696f6e2f6a736f6e027b7d01047269736b"
                + "06726573756d65106170706c69636174696f6e2f6a736f6e027b7d0102010468616c7401"
                + "047269736b0468616c74106170706c69636174696f6e2f6a736f6e027b7d01047269736b"
                + "06726573756d65106170706c69636174696f6e2f6a736f6e027b7d01000100")
        let payload = Payload(bytes: Array("{}".utf8))
        let action = EmergencyAction(
            name: "halt",
            apply: .init(agentType: "risk", operation: "halt", payload: payload),
            undo: .init(agentType: "risk", operation: "resume", payload: payload))
        var state = ModeState(at: Self.now)
        state.plan = EmergencyPlan(actions: [action])
        state.coordinator.forced(
            ModeOverride(
                mode: .emergency, reason: "r", actor: "ann", sinceMillis: 1_000, untilMillis: nil),
            at: Self.now)
        _ = state.response.entered(state.plan, at: Self.now)
        #expect(ModeCodec.encode(state) == golden)
        let read = try ModeCodec.decode(golden, at: Self.now)
        #expect(read.coordinator.mode == .emergency)
        #expect(read.plan == state.plan)
        #expect(read.response.progress.map(\.number) == [1])
        #expect(read.response.nextDeadlineNanos == Self.now.monotonicNanos)
    }

    @Test func `a policy and an isolation are written and read as version 1 has them`() throws {
        let golden = Self.bytes(
            "01010500c0a907e0d4030000000000000040c0cf249a9999999999c93fc0a90700000000"
                + "0000e03f03057370617265010178")
        let policy = IsolationPolicy(
            windowFailures: nil, backupType: "spare", ignoredFailures: ["x"])
        #expect(IsolationCodec.encode(policy) == golden)
        #expect(try IsolationCodec.decodePolicy(golden) == policy)
        let stored = Self.bytes("0101046469736b03616e6ed00f01a01f0206")
        var isolation = Isolation()
        isolation.state = .isolated
        isolation.reason = "disk"
        isolation.actor = "ann"
        isolation.sinceMillis = 1_000
        isolation.untilMillis = 2_000
        isolation.streak = 2
        isolation.total = 3
        #expect(IsolationCodec.encode(isolation) == stored)
        #expect(try IsolationCodec.decode(stored) == isolation)
    }

    @Test func `a policy of an earlier build's ranges is read, one that cannot work is not`() throws
    {
        func stored(_ change: (inout BreakerPolicy) -> Void) -> [UInt8] {
            var policy = BreakerPolicy()
            change(&policy)
            let breaker = GuardingBreaker(
                BreakerDefinition(name: "b", rules: .calls(policy)), at: Self.now)
            return BreakerCodec.encode(breaker, at: Self.now)
        }
        let wide = stored {
            $0.window = .calls(20_000)
            $0.openFactor = 11
            $0.halfOpenPermits = 200
        }
        #expect(try BreakerCodec.decode(wide, at: Self.now).definition.rules != .calls(.defaults))
        #expect(throws: CodecError.self) {
            try BreakerCodec.decode(stored { $0.openFactor = .nan }, at: Self.now)
        }
        #expect(throws: CodecError.self) {
            try BreakerCodec.decode(stored { $0.successesToClose = 6 }, at: Self.now)
        }
    }

    @Test func `bytes that are cut or of a newer version are refused`() throws {
        let breaker = GuardingBreaker(
            BreakerDefinition(name: "b", rules: .calls(.defaults)), at: Self.now)
        let bytes = BreakerCodec.encode(breaker, at: Self.now)
        for count in 0..<bytes.count {
            #expect(throws: CodecError.self) {
                try BreakerCodec.decode(Array(bytes.prefix(count)), at: Self.now)
            }
        }
        #expect(throws: CodecError.self) {
            try BreakerCodec.decode([2] + bytes.dropFirst(), at: Self.now)
        }
    }
}
