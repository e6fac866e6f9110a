import Coordination
import Testing

@Suite struct ScheduleMachineTests {
    static func definition(
        _ overlap: ScheduleDefinition.Overlap = .skip, every seconds: Int64 = 60,
        catchUp: Int64 = 600_000, jitter: Int64 = 0
    ) -> ScheduleDefinition {
        ScheduleDefinition(
            id: "s", namespace: .default, workflow: "w", workflowIDPrefix: "s",
            input: Payload(bytes: Array("{}".utf8), contentType: "application/json"),
            times: ScheduleTimes(intervals: [ScheduleTimes.Interval(everySeconds: seconds)]),
            jitterMillis: jitter, overlap: overlap, catchUpMillis: catchUp, note: "n")
    }

    /// A machine with a world that starts what it is told to and counts.
    struct World {
        var machine: ScheduleMachine
        var starts: [ScheduleSlot] = []
        var cancelled: [RunID] = []
        var terminated: [RunID] = []
        private var lastRun: UInt64 = 0

        init(_ definition: ScheduleDefinition, at now: Int64 = 0) {
            machine = ScheduleMachine(definition, ScheduleState(atMillis: now))
        }

        mutating func look(at now: Int64) {
            for _ in 0..<100_000 {
                guard let action = machine.next(atMillis: now) else {
                    if let wake = machine.wakeMillis, wake <= now { continue }
                    return
                }
                switch action {
                case .start(let slot):
                    lastRun += 1
                    starts.append(slot)
                    machine.started(slot, run: RunID(serial: Serial(rawValue: lastRun)), at: now)
                case .cancel(let runs): cancelled += runs
                case .terminate(let runs):
                    terminated += runs
                    for run in runs { machine.runEnded(run) }
                }
            }
            Issue.record("it never comes to rest")
        }

        mutating func end() { for run in machine.state.running { machine.runEnded(run) } }

        /// Slots in whole minutes.
        var minutes: [Int64] { starts.map { $0.millis / 60_000 } }
    }

    @Test(
        arguments: [
            (.skip, [1, 6], 4), (.bufferOne, [1, 2, 6], 3), (.bufferAll, [1, 2, 3], 0),
            (.cancelOther, [1, 5, 6], 3), (.terminateOther, [1, 2, 3, 4, 5, 6], 0),
            (.allowAll, [1, 2, 3, 4, 5, 6], 0),
        ] as [(ScheduleDefinition.Overlap, [Int64], Int64)])
    func `overlap policies do what they say`(
        overlap: ScheduleDefinition.Overlap, minutes: [Int64], skipped: Int64
    ) {
        var world = World(Self.definition(overlap))
        // One run is open from minute 1 to after minute 5; the next one ends at once.
        for minute in 1...5 { world.look(at: Int64(minute) * 60_000) }
        world.end()
        world.look(at: 301_000)
        world.end()
        world.look(at: 360_000)
        #expect(world.minutes == minutes)
        #expect(world.machine.state.counts.skipped == skipped)
        #expect(world.cancelled.count == (overlap == .cancelOther ? 1 : 0))
        #expect(world.terminated.count == (overlap == .terminateOther ? 4 : 0))
        if overlap == .bufferAll { #expect(world.machine.state.waiting.count == 3) }
    }

    @Test func `slots older than the catch-up window are passed over`() {
        var world = World(Self.definition(.allowAll, catchUp: 180_000))
        world.look(at: 60_000)
        world.look(at: 600_000)
        #expect(world.minutes == [1, 7, 8, 9, 10])
        #expect(world.machine.state.counts.missed == 5)
        #expect(world.machine.wakeMillis == 660_000)
    }

    @Test func `years without the server cost little`() {
        var world = World(Self.definition(.skip, every: 1, catchUp: 5_000))
        world.look(at: 10 * 365 * 86_400_000)
        #expect(world.starts.count == 1)
        #expect(world.machine.state.counts.missed >= 200)
    }

    @Test func `what passes while paused is gone, triggers are not`() throws {
        var world = World(Self.definition())
        world.machine.pause(reason: "maintenance", at: 10)
        world.look(at: 300_000)
        #expect(world.starts.isEmpty && world.machine.wakeMillis == nil)
        #expect(world.machine.trigger(at: 300_000).isTaken)
        world.look(at: 300_000)
        #expect(world.starts == [ScheduleSlot(millis: 300_000, isTriggered: true)])
        #expect(!world.machine.trigger(at: 300_000).isTaken)
        world.end()
        world.machine.resume(reason: "", at: 310_000)
        world.look(at: 359_999)
        #expect(world.starts.count == 1)
        world.look(at: 360_000)
        #expect(world.minutes == [5, 6])
    }

    @Test func `every trigger has a slot of its own`() {
        var world = World(Self.definition(.bufferAll))
        let slots = (0..<5).map { _ in world.machine.trigger(at: 7).slot }
        #expect(Set(slots.map { world.machine.definition.workflowID(of: $0) }).count == 5)
        #expect(slots[0].millis == 7)
        #expect(
            world.machine.definition.workflowID(of: slots[1])
                == "s-trigger-1970-01-01T00:00:00.008Z")
    }

    @Test func `starts that may not happen now are not lost`() {
        var world = World(Self.definition(.allowAll))
        #expect(world.machine.next(atMillis: 60_000, canStart: false) == nil)
        world.look(at: 60_000)
        #expect(world.minutes == [1])
    }

    @Test func `jitter delays the start and leaves the slot`() throws {
        var world = World(Self.definition(jitter: 30_000))
        let wake = try #require(world.machine.wakeMillis)
        #expect((60_000...90_000).contains(wake))
        world.look(at: wake - 1)
        #expect(world.starts.isEmpty)
        world.look(at: wake)
        #expect(world.minutes == [1])
    }

    @Test func `another definition counts from now and keeps the runs`() {
        var world = World(Self.definition())
        world.look(at: 60_000)
        world.machine.replace(Self.definition(every: 7), at: 100_000)
        #expect(world.machine.state.running.count == 1)
        #expect(world.machine.wakeMillis == 105_000)
    }

    @Test func `another definition keeps what was triggered and counts what it leaves out`() {
        var world = World(Self.definition(.bufferAll))
        for minute in 1...3 { world.look(at: Int64(minute) * 60_000) }
        let (slot, isTaken) = world.machine.trigger(at: 200_000)
        #expect(isTaken && world.machine.state.waiting.count == 3)
        world.machine.replace(Self.definition(.bufferAll, every: 7_200), at: 201_000)
        #expect(world.machine.state.waiting == [slot])
        #expect(world.machine.state.counts.skipped == 2)
        world.end()
        world.look(at: 202_000)
        #expect(world.starts.last == slot)
    }

    @Test func `only a run among the last starts is open again`() {
        var world = World(Self.definition())
        world.look(at: 60_000)
        let run = RunID(serial: Serial(rawValue: 1))
        let first = world.machine.runReopened(run)
        #expect(!first, "it is open")
        world.end()
        let stranger = world.machine.runReopened(RunID(serial: Serial(rawValue: 9)))
        let second = world.machine.runReopened(run)
        #expect(!stranger && second)
        #expect(world.machine.state.running == [run])
    }

    /// Time jumps forward, the process restarts from what it stored, runs end at random: each slot
    /// is started at most once, in order, and with `allowAll` every one inside the window is.
    @Test(arguments: UInt64(1)...20)
    func `each slot is started exactly once through jumps and restarts`(seed: UInt64) throws {
        var random = RandomCondition(seed: seed)
        let overlap = ScheduleDefinition.Overlap.allCases[random.below(6)]
        let definition = Self.definition(
            overlap, every: Int64(1 + random.below(100)), catchUp: 1_000_000,
            jitter: Int64(random.below(3) * 5_000))
        var world = World(definition)
        var now: Int64 = 0
        for _ in 0..<120 {
            now += [1, 500, 20_000, 900_000][random.below(4)]
            if random.below(3) > 0 { world.look(at: now) }
            if random.below(3) == 0 { world.end() }
            if random.below(5) == 0 {
                let state = try ScheduleCodec.state(ScheduleCodec.encode(world.machine.state))
                #expect(state == world.machine.state)
                let stored = try ScheduleCodec.definition(ScheduleCodec.encode(definition))
                #expect(stored == definition)
                world.machine = ScheduleMachine(stored, state)
                // A clock behind the stored slots must not start them again.
                if random.below(2) == 0 { world.look(at: max(0, now - 50_000)) }
            }
        }
        let slots = world.starts.map(\.millis)
        #expect(Set(slots).count == slots.count, "seed \(seed)")
        #expect(slots == slots.sorted(), "seed \(seed)")
        for slot in slots {
            #expect(slot % (definition.times.intervals[0].everySeconds * 1_000) == 0)
        }
        if overlap == .allowAll {
            let counts = world.machine.state.counts
            let expected =
                world.machine.state.decidedMillis
                / (definition.times.intervals[0].everySeconds * 1_000)
            #expect(
                counts.started + counts.missed == expected || counts.missed >= 200, "seed \(seed)")
        }
    }

    @Test func `stored forms of version 1 stay readable`() throws {
        var state = ScheduleState(atMillis: 5)
        state.isPaused = true
        state.pauseReason = "why"
        state.waiting = [ScheduleSlot(millis: 60_000), ScheduleSlot(millis: 7, isTriggered: true)]
        state.running = [RunID(serial: Serial(rawValue: 300))]
        state.counts.missed = 2
        #expect(
            ScheduleCodec.encode(state) == [
                1, 10, 10, 1, 3, 119, 104, 121, 10, 2, 192, 169, 7, 0, 14, 1, 1, 172, 2, 0, 0, 0, 0,
                4, 0, 0,
            ])
        #expect(try ScheduleCodec.state(ScheduleCodec.encode(state)) == state)
        let bytes = ScheduleCodec.encode(Self.definition())
        #expect(
            bytes == [
                1, 1, 115, 7, 100, 101, 102, 97, 117, 108, 116, 1, 119, 1, 115, 16, 97, 112, 112,
                108, 105, 99, 97, 116, 105, 111, 110, 47, 106, 115, 111, 110, 2, 123, 125, 0, 1,
                120, 0, 3, 85, 84, 67, 0, 0, 0, 0, 0, 1, 128, 159, 73, 1, 110,
            ])
        for end in bytes.indices {
            #expect(throws: CodecError.self) { try ScheduleCodec.definition(Array(bytes[..<end])) }
        }
    }
}
