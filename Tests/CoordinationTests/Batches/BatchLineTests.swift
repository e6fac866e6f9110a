import Testing

@testable import Coordination

@Suite struct BatchLineTests {
    private static let milli: Int64 = 1_000_000
    private static let trouble = StepFailure(type: "t", message: "m", retryable: true)
    private static let final = StepFailure(type: "t", message: "m", retryable: false)

    private static func line(
        items: Int = 3, delay: Int64 = 100, bytes: Int = 100, inFlight: Int = 2,
        waiting: Int = 10, _ onFailure: BatchDefinition.FailurePolicy = .fail
    ) -> BatchLine {
        BatchLine(
            BatchDefinition(
                operation: "o", agentType: "t", maxItems: items, maxDelayMillis: delay,
                maxBytes: bytes, maxInFlight: inFlight, maxWaiting: waiting,
                onFailure: onFailure))
    }

    private static func item(
        _ id: UInt64, bytes: Int = 1, at millis: Int64 = 0, isDurable: Bool = false
    ) -> BatchLine.Item {
        BatchLine.Item(
            id: id, bytes: bytes, arrivedNanos: millis * milli, isDurable: isDurable)
    }

    @Test func `a lone item leaves when its delay ends`() {
        var line = Self.line()
        line.add(Self.item(1, at: 5))
        #expect(line.nextDeadlineNanos == 105 * Self.milli)
        var left = line.depart(at: 104 * Self.milli)
        #expect(left.isEmpty)
        left = line.depart(at: 105 * Self.milli)
        #expect(left.map(\.cause) == [.delay] && left[0].items.map(\.id) == [1])
        #expect(line.nextDeadlineNanos == nil && line.waitingCount == 0)
    }

    @Test func `items or bytes make it leave at once, in the order of their arrival`() {
        var line = Self.line(bytes: 10)
        for id in 1...3 as ClosedRange<UInt64> { line.add(Self.item(id)) }
        var left = line.depart(at: 0)
        #expect(left.map(\.cause) == [.items] && left[0].items.map(\.id) == [1, 2, 3])
        line.add(Self.item(4, bytes: 6))
        line.add(Self.item(5, bytes: 6))
        left = line.depart(at: 0)
        // The two together would be too large: the first goes, the second waits for its delay.
        #expect(left.map(\.cause) == [.bytes] && left[0].items.map(\.id) == [4])
        #expect(line.waitingBytes == 6)
        var large = Self.line(bytes: 10)
        large.add(Self.item(1, bytes: 50))
        left = large.depart(at: 0)
        #expect(left.map(\.items.count) == [1])
    }

    @Test func `a server that goes down keeps durable items, and gives the others one more try`() {
        var line = Self.line(items: 1, inFlight: 9, .retryItems(attempts: 50, millis: 1_000))
        line.add(Self.item(1, isDurable: true))
        line.add(Self.item(2))
        for departure in line.depart(at: 0) {
            let ended = line.ended(departure.number, .failed(Self.trouble), at: 0)
            #expect(ended.isEmpty, "both are tried again")
        }
        line.add(Self.item(3))
        line.beginDraining()
        line.add(Self.item(4, isDurable: true))
        let left = line.depart(at: 0)
        #expect(left.flatMap(\.items).map(\.id) == [2, 3])
        let ended = left.flatMap { line.ended($0.number, .failed(Self.trouble), at: 0) }
        #expect(ended.map(\.item.id) == [2, 3] && ended.allSatisfy { $0.failure != nil })
        #expect(line.nextDeadlineNanos == nil && line.waitingCount == 2 && !line.isEmpty)
        #expect(line.isStaying(1) && line.isStaying(4) && !line.isStaying(2))
    }

    @Test(arguments: [BatchLine.End.failed(trouble), .settled([trouble]), .refused(trouble)])
    func `a durable item that fails while the server goes down stays`(end: BatchLine.End) {
        var line = Self.line(items: 1, .retryItems(attempts: 2, millis: 1))
        line.add(Self.item(1, isDurable: true))
        let left = line.depart(at: 0)
        line.beginDraining()
        let ended = line.ended(left[0].number, end, at: 0)
        #expect(ended.isEmpty && line.isStaying(1) && line.waitingBytes == 1)
        let later = line.depart(at: .max - 1)
        #expect(later.isEmpty)
    }

    @Test func `no more are in flight than may be, and the rest follows`() {
        var line = Self.line(items: 1, inFlight: 2)
        for id in 1...3 as ClosedRange<UInt64> { line.add(Self.item(id)) }
        let left = line.depart(at: 0)
        #expect(left.map(\.number) == [1, 2] && line.nextDeadlineNanos == nil)
        #expect(line.flyingItems == 2 && line.waitingCount == 1)
        let ended = line.ended(1, .settled([nil]), at: 0)
        #expect(ended.map(\.item.id) == [1] && ended[0].failure == nil)
        let next = line.depart(at: 0)
        #expect(next.map { $0.items[0].id } == [3])
        let again = line.ended(1, .settled([nil]), at: 0)
        #expect(again.isEmpty, "a batch ends once")
    }

    @Test func `a flush lets leave what waits, and no more`() {
        var line = Self.line()
        line.add(Self.item(1))
        line.add(Self.item(2))
        let count = line.flush()
        #expect(count == 2 && line.nextDeadlineNanos == .min)
        let left = line.depart(at: 0)
        #expect(left.map(\.cause) == [.flush])
        line.add(Self.item(3))
        let none = line.depart(at: 0)
        #expect(none.isEmpty)
    }

    @Test func `room is bounded, and a withdrawn item makes some`() {
        var line = Self.line(items: 100, waiting: 2)
        line.add(Self.item(1))
        line.add(Self.item(2))
        #expect(!line.hasRoom(for: 1) && line.hasRoom(for: 0))
        let isWithdrawn = line.withdraw(1)
        let isTwice = line.withdraw(1)
        #expect(isWithdrawn && !isTwice && line.hasRoom(for: 1))
        #expect(line.oldestNanos == 0 && line.waitingBytes == 1)
        let left = line.depart(at: 100 * Self.milli)
        #expect(left.map { $0.items.map(\.id) } == [[2]])
    }

    @Test func `a failed batch fails its items, or tries each alone`() {
        var strict = Self.line()
        var patient = Self.line(.retryItems(attempts: 2, millis: 10))
        for id in 1...3 as ClosedRange<UInt64> {
            strict.add(Self.item(id))
            patient.add(Self.item(id))
        }
        _ = strict.depart(at: 0)
        _ = patient.depart(at: 0)
        let failed = strict.ended(1, .failed(Self.trouble), at: 0)
        #expect(failed.map(\.item.id) == [1, 2, 3] && failed.allSatisfy { $0.failure != nil })
        // One of the three may have poisoned it: not even a final failure is all of theirs.
        let none = patient.ended(1, .failed(Self.final), at: 0)
        #expect(none.isEmpty && patient.nextDeadlineNanos == 10 * Self.milli)
        let early = patient.depart(at: 9 * Self.milli)
        #expect(early.isEmpty)
        let left = patient.depart(at: 10 * Self.milli)
        #expect(left.map(\.cause) == [.retry, .retry] && left.map(\.items.count) == [1, 1])
        let poison = patient.ended(2, .failed(Self.final), at: 0)
        #expect(poison.map(\.item.attempts) == [2])
        let well = patient.ended(3, .settled([nil]), at: 0)
        #expect(well.count == 1 && well[0].failure == nil)
    }

    @Test func `an item is tried again for its own failure, as often and as late as it may`() {
        var line = Self.line(items: 2, .retryItems(attempts: 3, millis: 10))
        line.add(Self.item(1))
        line.add(Self.item(2))
        _ = line.depart(at: 0)
        var wish = Self.trouble
        wish.retryAfterMillis = 77
        let ended = line.ended(1, .settled([Self.final, wish]), at: 0)
        #expect(ended.map(\.item.id) == [1])
        #expect(line.nextDeadlineNanos == 77 * Self.milli)
        _ = line.depart(at: 77 * Self.milli)
        let second = line.ended(2, .settled([Self.trouble]), at: 0)
        #expect(second.isEmpty && line.nextDeadlineNanos == 20 * Self.milli)
        _ = line.depart(at: 20 * Self.milli)
        let third = line.ended(3, .settled([Self.trouble]), at: 0)
        #expect(third.map(\.item.attempts) == [3] && line.isEmpty)
    }

    @Test func `a refusal is one try of those that an item has, though no agent had it`() {
        var line = Self.line(items: 1, .retryItems(attempts: 2, millis: 10))
        line.add(Self.item(1))
        _ = line.depart(at: 0)
        let none = line.ended(1, .refused(Self.trouble), at: 0)
        #expect(none.isEmpty && line.nextDeadlineNanos == 10 * Self.milli)
        _ = line.depart(at: 10 * Self.milli)
        let ended = line.ended(2, .failed(Self.trouble), at: 0)
        #expect(ended.map(\.item.attempts) == [1])
    }

    @Test func `durable items wait out a refusal, in order; others fail`() {
        var line = Self.line(items: 3)
        line.add(Self.item(1, isDurable: true))
        line.add(Self.item(2))
        line.add(Self.item(3, isDurable: true))
        _ = line.depart(at: 0)
        line.add(Self.item(4, isDurable: true))
        let ended = line.ended(1, .refused(Self.trouble), at: 0)
        #expect(ended.map(\.item.id) == [2] && ended.map(\.item.attempts) == [0])
        #expect(line.nextDeadlineNanos == 200 * Self.milli)
        let none = line.depart(at: 199 * Self.milli)
        #expect(none.isEmpty)
        let left = line.depart(at: 200 * Self.milli)
        #expect(left.map { $0.items.map(\.id) } == [[1, 3, 4]])
        #expect(left[0].items.map(\.attempts) == [1, 1, 1], "a refusal is no attempt")
        for _ in 0..<20 {
            guard let number = line.depart(at: .max).first?.number else { continue }
            _ = line.ended(number, .refused(Self.trouble), at: 0)
        }
        #expect(line.nextDeadlineNanos ?? 0 <= 10_000 * Self.milli)
    }

    /// Random arrivals, departures and ends: every item ends once, none waits past its delay while a
    /// batch could leave, and no bound is passed.
    @Test(arguments: 0..<20 as Range<UInt64>) func `no item is lost, doubled or forgotten`(
        seed: UInt64
    ) {
        var random = Draw(seed: seed &+ 77)
        let definition = BatchDefinition(
            operation: "o", agentType: "t", maxItems: random.pick([1, 2, 5]),
            maxDelayMillis: random.pick([1, 7, 30]), maxBytes: random.pick([3, 20]),
            maxInFlight: random.pick([1, 2, 4]), maxWaiting: 50,
            onFailure: random.pick([.fail, .retryItems(attempts: 3, millis: 2)]))
        var line = BatchLine(definition)
        var now: Int64 = 0
        var flying: [BatchLine.Departure] = []
        var open: Set<UInt64> = []
        var next: UInt64 = 1
        for _ in 0..<2_000 {
            now += Int64(random.next() % 3) * Self.milli
            switch random.next() % 6 {
            case 0,
                1 where line.hasRoom(for: 1):
                let item = BatchLine.Item(
                    id: next, bytes: Int(random.next() % 5), arrivedNanos: now,
                    isDurable: random.next() % 2 == 0)
                line.add(item)
                open.insert(next)
                next += 1
            case 2:
                if let id = open.randomElement(using: &random), line.withdraw(id) {
                    open.remove(id)
                }
            case 3 where !flying.isEmpty:
                let flight = flying.remove(at: Int(random.next() % UInt64(flying.count)))
                let failures = flight.items.map { _ in
                    random.pick([nil, nil, Self.trouble, Self.final])
                }
                let end: BatchLine.End = random.pick([
                    .settled(failures), .failed(Self.trouble), .refused(Self.trouble),
                ])
                for (item, _) in line.ended(flight.number, end, at: now) {
                    #expect(open.remove(item.id) != nil, "item \(item.id) ended twice")
                }
            case 4 where random.next() % 8 == 0: _ = line.flush()
            default: break
            }
            for departure in line.depart(at: now) {
                #expect(!departure.items.isEmpty && departure.items.count <= definition.maxItems)
                let bytes = departure.items.reduce(0) { $0 + $1.bytes }
                #expect(bytes <= definition.maxBytes || departure.items.count == 1)
                flying.append(departure)
            }
            #expect(line.flyingCount <= definition.maxInFlight)
            #expect(line.waitingCount + line.flyingItems == open.count)
            if let due = line.nextDeadlineNanos { #expect(due > now, "something should have left") }
        }
    }
}
