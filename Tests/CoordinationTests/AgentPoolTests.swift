import Coordination
import Testing

@Suite struct AgentPoolTests {
    static func registration(_ id: String, type: String = "t", slots: Int = 2) -> AgentRegistration
    {
        AgentRegistration(
            id: AgentID(id), type: type,
            operations: [OperationDescriptor(name: "o", summary: "", isIdempotent: true)],
            slots: slots)
    }

    @Test func `the least loaded instance gets the work, equals in turn`() throws {
        var pool = AgentPool()
        let agents = (0..<3).map { pool.join(Self.registration("t/\($0)"), port: 0) }
        let type = try #require(pool.type(named: "t"))
        var taken: [Int32] = []
        for _ in 0..<6 { taken.append(pool.takeSlot(ofType: type) ?? -1) }
        #expect(
            taken.sorted() == [agents[0], agents[0], agents[1], agents[1], agents[2], agents[2]])
        #expect(Set(taken[..<3]).count == 3)
        var next = pool.takeSlot(ofType: type)
        #expect(next == nil)
        pool.freeSlot(of: agents[1])
        next = pool.takeSlot(ofType: type)
        #expect(next == agents[1])
    }

    @Test func `waiting work is served by priority, then in order, its own instance first`() throws
    {
        var pool = AgentPool()
        let agent = pool.join(Self.registration("t/0", slots: 1), port: 0)
        let type = try #require(pool.type(named: "t"))
        let isTaken = pool.takeSlot(of: agent)
        #expect(isTaken)
        var places: [Int32: WaitingLines.Place] = [:]
        for (work, priority) in [(Int32(1), 3), (2, 1), (3, 3), (4, 5)] {
            places[work] = pool.wait(
                work, type: type, operation: "o", priority: priority, isBounded: true,
                namespace: .default)
        }
        places[5] = pool.wait(5, agent: agent)
        #expect(pool.next(for: agent) == nil)
        pool.freeSlot(of: agent)
        var served: [Int32] = []
        while let work = pool.next(for: agent), let place = places[work] {
            served.append(work)
            pool.stopWaiting(place, type: type)
        }
        #expect(served == [5, 2, 1, 3, 4])
        #expect(pool.waitingCount(type: type) == 0)
    }

    static func registration(_ id: String, can names: [String], slots: Int = 2) -> AgentRegistration
    {
        AgentRegistration(
            id: AgentID(id), type: "t",
            operations: names.map {
                OperationDescriptor(name: $0, summary: "", isIdempotent: true)
            }, slots: slots)
    }

    @Test func `work goes to those who can do it`() throws {
        var pool = AgentPool()
        let old = pool.join(Self.registration("t/0", can: ["o"], slots: 4), port: 0)
        let new = pool.join(Self.registration("t/1", can: ["o", "y"]), port: 0)
        let type = try #require(pool.type(named: "t"))
        var taken: [Int32?] = []
        for name in ["y", "y", "y", "o"] { taken.append(pool.takeSlot(ofType: type, for: name)) }
        #expect(taken == [new, new, nil, old])
        #expect(pool.has(old, "o") && !pool.has(old, "y") && pool.has(new, "y"))
        #expect(pool.aliveCount(type: type, having: "y") == 1)
        var places: [WaitingLines.Place?] = []
        for (work, name) in [(Int32(1), "y"), (2, "y"), (3, "o")] {
            places.append(
                pool.wait(
                    work, type: type, operation: name, priority: 3, isBounded: true,
                    namespace: .default))
        }
        #expect(pool.next(for: old) == 3)
        pool.freeSlot(of: new)
        #expect(pool.next(for: new) == 1)
        #expect(places.allSatisfy { $0 != nil })
    }

    @Test func `what nobody can do gets no slot, and is passed over`() throws {
        var pool = AgentPool()
        let agent = pool.join(Self.registration("t/0", can: ["o"]), port: 0)
        let type = try #require(pool.type(named: "t"))
        let taken = pool.takeSlot(ofType: type, for: "y")
        #expect(taken == nil)
        let first = pool.wait(
            1, type: type, operation: "y", priority: 1, isBounded: false, namespace: .default)
        let second = pool.wait(
            2, type: type, operation: "o", priority: 5, isBounded: false, namespace: .default)
        #expect(first != nil && second != nil)
        #expect(pool.next(for: agent) == 2)
        #expect(pool.offeredWaitingCount(type: type) == 1 && pool.waitingCount(type: type) == 2)
        // Whoever comes later and can do it gets it.
        let other = pool.join(Self.registration("t/1", can: ["y"]), port: 0)
        #expect(pool.next(for: other) == 1)
    }

    @Test func `an instance may come to have other operations and slots`() throws {
        var pool = AgentPool()
        let first = pool.join(Self.registration("t/0", can: ["o"], slots: 1), port: 0)
        _ = pool.join(Self.registration("t/1", can: ["o"]), port: 0)
        let type = try #require(pool.type(named: "t"))
        pool.reregister(first, Self.registration("t/0", can: ["n"], slots: 2))
        #expect(pool.aliveCount(type: type, having: "o") == 1)
        var taken: [Int32?] = []
        for _ in 0..<3 { taken.append(pool.takeSlot(ofType: type, for: "n")) }
        #expect(taken == [first, first, nil])
        pool.reregister(first, Self.registration("t/0", can: ["o"], slots: 1))
        #expect(pool.operation("n", ofType: type) == nil && !pool.hasFreeSlot(first))
        pool.beginDraining(first)
        pool.reregister(first, Self.registration("t/0", can: ["n"], slots: 1))
        #expect(pool.aliveCount(type: type, having: "o") == 1)
        #expect(pool.operation("n", ofType: type) == nil)
    }

    @Test func `an operation goes with the last instance that had it`() throws {
        var pool = AgentPool()
        _ = pool.join(Self.registration("t/0", can: ["o"]), port: 0)
        let type = try #require(pool.type(named: "t"))
        for round in 0..<100 {
            let names = (0..<20).map { "r\(round).\($0)" }
            let agent = pool.join(Self.registration("t/1", can: names + ["o"]), port: 0)
            #expect(pool.operations(ofType: type).count == 21)
            #expect(pool.operation("r\(round).7", ofType: type) != nil)
            #expect(pool.aliveCount(type: type, having: "r\(round).7") == 1)
            if round.isMultiple(of: 2) { pool.beginDraining(agent) }
            pool.close(agent)
            pool.leave(agent)
            #expect(pool.operations(ofType: type).map(\.name) == ["o"])
            #expect(pool.aliveCount(type: type, having: "o") == 1)
        }
        // Nobody is there; what it could do is known until somebody else comes.
        let last = try #require(pool.agent(AgentID("t/0")))
        pool.close(last)
        pool.leave(last)
        #expect(pool.operation("o", ofType: type) != nil)
        _ = pool.join(Self.registration("t/2", can: ["p"]), port: 0)
        #expect(pool.operations(ofType: type).map(\.name) == ["p"])
    }

    @Test func `the line of a type is bounded, but not for committed work`() throws {
        var pool = AgentPool(maxWaiting: 2)
        let type = pool.requireType(named: "t")
        func wait(_ work: Int32, isBounded: Bool = true) -> WaitingLines.Place? {
            pool.wait(
                work, type: type, operation: "o", priority: 3, isBounded: isBounded,
                namespace: .default)
        }
        let place1 = wait(1)
        #expect(place1 != nil)
        let place2 = wait(2)
        #expect(place2 != nil)
        let place3 = wait(3)
        #expect(place3 == nil)
        let place4 = wait(4, isBounded: false)
        #expect(place4 != nil)
        #expect(pool.waiting(ofType: type) == [1, 2, 4])
    }

    @Test func `work leaves a line from anywhere`() {
        var lines = WaitingLines()
        let line = lines.open()
        let places = (0..<5).map { lines.join(line, work: Int32($0)) }
        for index in [2, 0, 4] { lines.leave(places[index]) }
        #expect(lines.all(line) == [1, 3])
        _ = lines.join(line, work: 9)
        #expect(lines.all(line) == [1, 3, 9])
        #expect(lines.head(line) == 1)
    }

    @Test func `an instance that leaves gets nothing more`() throws {
        var pool = AgentPool()
        let agent = pool.join(Self.registration("t/0"), port: 0)
        let type = try #require(pool.type(named: "t"))
        let isTaken = pool.takeSlot(of: agent)
        #expect(isTaken)
        pool.close(agent)
        var next = pool.takeSlot(ofType: type)
        #expect(next == nil)
        pool.freeSlot(of: agent)
        next = pool.takeSlot(ofType: type)
        #expect(next == nil)
        pool.leave(agent)
        #expect(!pool.isLiving(agent))
        #expect(pool.aliveCount(type: type) == 0)
        #expect(pool.isKnown(type: type))
    }

    @Test(arguments: [UInt64(1), 2, 3]) func `a heap agrees with sorting`(seed: UInt64) {
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var heap = IndexedHeap<Int>()
        var model: [Int32: Int64] = [:]
        for round in 0..<800 {
            switch next(4) {
            case 0, 1:
                let key = Int64(next(300))
                let handle = heap.insert(round, key: key)
                #expect(model[handle] == nil)
                model[handle] = key
            case 2:
                if let handle = model.keys.sorted().dropFirst(next(model.count + 1)).first {
                    let key = Int64(next(300))
                    heap.update(handle, key: key)
                    model[handle] = key
                }
            default:
                if let handle = model.keys.sorted().dropFirst(next(model.count + 1)).first {
                    heap.remove(handle)
                    model[handle] = nil
                }
            }
            #expect(heap.count == model.count)
            #expect(heap.smallestKey == model.values.min())
        }
        var order: [Int64] = []
        while let key = heap.smallestKey, heap.popFirst(upTo: key) != nil { order.append(key) }
        #expect(order == model.values.sorted())
    }
}
