import Messages
import Testing
import Threads

@testable import Services

struct HealthRegistryTests {
    /// What a watcher was told, in words.
    private final class Told: Sendable {
        private let words = Locked<[String]>([])

        var all: [String] { words.withLock { $0 } }

        func note(_ news: HealthRegistry.News) {
            words.withLock { words in
                switch news {
                case .status(let status): words.append("\(status)")
                case .end: words.append("end")
                }
            }
        }
    }

    @Test func `a watch that begins after the shutdown ends at once`() {
        let registry = HealthRegistry(services: ["a"])
        registry.setAll(.serving)
        registry.shutDown()
        let told = Told()
        _ = registry.watch("a") { told.note($0) }
        #expect(told.all == ["notServing", "end"])
        registry.setAll(.serving)
        #expect(!registry.isServing)
    }

    @Test func `the last thing a watcher is told is the last state`() async {
        let registry = HealthRegistry(services: ["a"])
        let told = Told()
        _ = registry.watch("a") { told.note($0) }
        await withTaskGroup(of: Void.self) { group in
            for status in [HealthRegistry.Status.serving, .notServing] {
                group.addTask { for _ in 0..<2_000 { registry.setAll(status) } }
            }
        }
        // Each change was told once and in order: no state comes twice in a row.
        let all = told.all
        #expect(zip(all, all.dropFirst()).allSatisfy { $0 != $1 })
        #expect(all.last == (registry.isServing ? "serving" : "notServing"))
    }
}
