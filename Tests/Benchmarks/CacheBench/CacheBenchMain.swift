import Cache
import Threads

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What looking a key up costs inside the process, and how that grows with threads.
///
///     CacheBench                      figures beside their bars; fails when one is missed
///     CacheBench ratio FILE ENTRIES…  the hit ratio of a trace: one key a line, `*` is no key
///
/// Costs are processor time, the least of several runs, so that a busy machine says nearly the same
/// as a quiet one, as long as the keys fit into a core's own memory: the bar is held with a thousand of
/// them, and what ten thousand cost is shown. Scaling is wall time and means something on a quiet
/// machine only.
@main
enum CacheBenchMain {
    static let lookups = 2_000_000
    static let rounds = 7

    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        if words.first == "ratio", words.count >= 3 {
            for entries in words.dropFirst(2).compactMap({ Int($0) }) {
                print(
                    "\(words[1]) at \(entries): \(TraceRun(entries: entries).percent(of: words[1])) %"
                )
            }
            return
        }
        let near = LookupBench(keys: 1_000)
        let bench = LookupBench(keys: 10_000)
        let item = near.least(rounds) { near.nanos(lookups) { $0.item($1, now: 1) != nil } }
        let far = bench.least(rounds) { bench.nanos(lookups) { $0.item($1, now: 1) != nil } }
        let get = near.least(rounds) {
            near.nanos(lookups) { cache, key in
                if case .hit = cache.get(key, now: 1) { true } else { false }
            }
        }
        let set = bench.least(rounds) { bench.setNanos(lookups / 10) }
        let one = bench.most(rounds) { bench.lookupsPerMicro(threads: 1, lookups) }
        let four = bench.most(rounds) { bench.lookupsPerMicro(threads: 4, lookups) }
        print("item: \(text(item)) ns a lookup (at most 60)")
        print("item among 10,000: \(text(far)) ns a lookup")
        print("get: \(text(get)) ns a lookup")
        print("set: \(text(set)) ns a write")
        print("1 thread: \(text(one)) lookups a microsecond, 4 threads: \(text(four))")
        print("scaling: \(text(four / one)) (at least 1.7 on two cores)")
        if item > 60 || four / one < 1.7 { exit(1) }
    }

    private static func text(_ value: Double) -> String {
        "\((value * 100).rounded() / 100)"
    }
}

/// A full cache, and keys that are asked for by Zipf's law, in an order fixed beforehand.
final class LookupBench: Sendable {
    let cache = SharedCache()
    let space: CacheNamespace
    let sequence: [CacheKey]

    init(keys count: Int) {
        space = cache.namespace("bench")
        let keys = (0..<count).map { [space] in space.key("user:\($0)") }
        let write = CacheWrite(
            CachedPayload(bytes: Array(repeating: 1, count: 100)), ttlNanos: 1 << 60)
        for key in keys { _ = cache.set(key, write, in: space, now: 0) }
        sequence = Self.zipf(1 << 16, count).map { keys[$0] }
    }

    /// Nanoseconds of processor time of one lookup.
    func nanos(_ count: Int, _ look: (SharedCache, CacheKey) -> Bool) -> Double {
        var found = 0
        let began = clockNanos(CLOCK_THREAD_CPUTIME_ID)
        for index in 0..<count where look(cache, sequence[index & (1 << 16 - 1)]) { found += 1 }
        let nanos = clockNanos(CLOCK_THREAD_CPUTIME_ID) - began
        precondition(found == count, "a key was not found")
        return Double(nanos) / Double(count)
    }

    /// Nanoseconds of processor time of one write over a value that is there.
    func setNanos(_ count: Int) -> Double {
        let write = CacheWrite(
            CachedPayload(bytes: Array(repeating: 2, count: 100)), ttlNanos: 1 << 60)
        let began = clockNanos(CLOCK_THREAD_CPUTIME_ID)
        for index in 0..<count {
            _ = cache.set(sequence[index & (1 << 16 - 1)], write, in: space, now: 1)
        }
        return Double(clockNanos(CLOCK_THREAD_CPUTIME_ID) - began) / Double(count)
    }

    /// Lookups that several threads make in a microsecond of wall time.
    func lookupsPerMicro(threads: Int, _ count: Int) -> Double {
        let began = clockNanos(CLOCK_MONOTONIC)
        let workers = (0..<threads).compactMap { thread in
            try? NamedThread.start(name: "bench-\(thread)") { [self] in
                for index in 0..<count {
                    let place = (index + thread * 16_381) & (1 << 16 - 1)
                    precondition(cache.item(sequence[place], now: 1) != nil, "a key was lost")
                }
            }
        }
        precondition(workers.count == threads, "a thread could not be started")
        for worker in workers { worker.join() }
        return Double(threads * count) * 1_000 / Double(clockNanos(CLOCK_MONOTONIC) - began)
    }

    func least(_ rounds: Int, _ measure: () -> Double) -> Double {
        (0..<rounds).map { _ in measure() }.min() ?? 0
    }

    func most(_ rounds: Int, _ measure: () -> Double) -> Double {
        (0..<rounds).map { _ in measure() }.max() ?? 0
    }

    private static func zipf(_ draws: Int, _ keys: Int) -> [Int] {
        var sums: [Double] = []
        var sum = 0.0
        for rank in 1...keys {
            sum += 1 / Double(rank)
            sums.append(sum)
        }
        var state: UInt64 = 42
        return (0..<draws).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let aim = Double(state >> 11) * 0x1p-53 * sum
            return sums.firstIndex { $0 >= aim } ?? keys - 1
        }
    }
}

/// A clock's reading.
func clockNanos(_ clock: clockid_t) -> Int64 {
    var reading = timespec()
    clock_gettime(clock, &reading)
    return Int64(reading.tv_sec) * 1_000_000_000 + Int64(reading.tv_nsec)
}
