import Coordination
import Testing

@testable import Engine

/// Parked steps beside a plain sorted list.
@Suite struct ParkedStepsTests {
    @Test func `in any order of changes they are what a sorted list is`() {
        let seed = UInt64.random(in: .min ... .max)
        print("parked steps: seed \(seed)")
        var random = seed
        func next(_ bound: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % bound
        }
        let names = [Namespace.default, Namespace("other")]
        var parked = ParkedSteps()
        var model: [Namespace: Set<StepPlace>] = [:]
        for round in 0..<20_000 {
            let place = StepPlace(
                run: RunID(serial: Serial(rawValue: next(900))), step: Int(next(4)))
            let name = names[Int(next(2))]
            // It grows far past one chunk, then shrinks to nothing.
            if next(10) < (round < 10_000 ? 8 : 1) {
                parked.insert(place, in: name)
                model[name, default: []].insert(place)
            } else {
                parked.remove(place, in: name)
                model[name, default: []].remove(place)
            }
            let isThere = model[name, default: []].contains(place)
            #expect(parked.contains(place, in: name) == isThere)
        }
        for name in names {
            var listed: [StepPlace] = []
            while let place = parked.first(after: listed.last, in: name) { listed.append(place) }
            let expected = model[name, default: []].sorted { ($0.run, $0.step) < ($1.run, $1.step) }
            #expect(listed == expected)
            for place in expected { parked.remove(place, in: name) }
        }
        #expect(parked.isEmpty)
    }
}
