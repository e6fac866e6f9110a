import Threads

/// Collects numbers from any thread, in order.
final class NumberTally: Sendable {
    private let list = Locked<[Int]>([])

    var numbers: [Int] { list.withLock { $0 } }

    func add(_ number: Int) {
        list.withLock { $0.append(number) }
    }
}
