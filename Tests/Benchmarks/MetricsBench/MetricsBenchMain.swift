import AllocationCount
import Synchronization
import Telemetry
import Threads

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What counting costs, and a scrape. Prints one line a figure: nanoseconds of processor time per
/// operation, the median of runs, so that a busy machine says the same as a quiet one; ends with a
/// failure when one is over its bar.
@main
enum MetricsBenchMain {
    static let rounds = 9
    static let calls = 4_000_000

    static func main() {
        let registry = MetricsRegistry(seriesLimit: 10_000)
        let counter = registry.counter(name: "bench_things", help: "Things.").with()
        let sum = registry.doubleCounter(name: "bench_work", help: "Work.", unit: .seconds).with()
        let gauge = registry.gauge(name: "bench_level", help: "Level.").with()
        let histogram = registry.histogram(
            name: "bench_calls", help: "Calls.", unit: .seconds
        ).with()
        var isRight = true
        isRight = show("counter add", cost { _ in counter.add() }, atMost: 10) && isRight
        isRight = show("sum add", cost { _ in sum.add(0.5) }, atMost: 20) && isRight
        isRight = show("gauge set", cost { gauge.set($0) }, atMost: 10) && isRight
        isRight =
            show("histogram observe", cost { histogram.observe(seconds(of: $0)) }, atMost: 40)
            && isRight
        precondition(Int(histogram.count) == calls * (rounds + 1), "an observation is missing")
        isRight = scrapes() && isRight
        precondition(isRight, "a figure is over its bar")
    }

    /// Over all ranges of a call's histogram, in no order that a processor could guess.
    @inline(__always)
    private static func seconds(of call: Int) -> Double {
        let mixed = UInt64(truncatingIfNeeded: call) &* 0x9e37_79b9_7f4a_7c15
        return Double(mixed >> 40) * 2e-6
    }

    // MARK: Scrapes

    /// A page of 10,000 samples: counters, gauges and histograms with labels as a server has them.
    private static func scrapes() -> Bool {
        let registry = page()
        var isRight = true
        for format in MetricsFormat.allCases {
            var bytes: [UInt8] = []
            let millis =
                median {
                    let began = threadNanos()
                    bytes = registry.render(format)
                    return Double(threadNanos() - began) / 1e6
                }
            let samples = lines(of: bytes)
            precondition((9_900...10_600).contains(samples), "\(samples) samples")
            let rate = Int(Double(bytes.count) / millis / 1e3)
            isRight =
                show(
                    "scrape of \(samples) series (\(format), \(bytes.count) bytes, \(rate) MB/s)",
                    millis, "ms", atMost: 10) && isRight
        }
        return longestWait(registry) && isRight
    }

    private static func page() -> MetricsRegistry {
        let registry = MetricsRegistry(seriesLimit: 10_000)
        let methods = (0..<50).map { "cadre.v1.SomeService/Method\($0)" }
        let codes = ["OK", "NOT_FOUND", "UNAVAILABLE", "DEADLINE_EXCEEDED"]
        let calls = registry.counter(
            name: "cadre_bench_calls", help: "Calls.", labels: ["method", "code"])
        let seconds = registry.histogram(
            name: "cadre_bench_duration", help: "Durations.", unit: .seconds,
            labels: ["method", "code"])
        for method in methods {
            for code in codes {
                calls.with(method, code).add(123_456)
                for call in 0..<200 {
                    seconds.with(method, code).observe(Self.seconds(of: call))
                }
            }
        }
        let levels = registry.gauge(
            name: "cadre_bench_level", help: "Levels.", labels: ["namespace", "breaker"])
        for number in 0..<5_600 { levels.with("default", "breaker-\(number)").set(number % 6) }
        return registry
    }

    private static func lines(of page: [UInt8]) -> Int {
        var count = 0
        var isFirst = true
        for byte in page {
            if isFirst, byte != UInt8(ascii: "#") { count += 1 }
            isFirst = byte == UInt8(ascii: "\n")
        }
        return count
    }

    /// How long somebody who counts, and looks series up, has to wait while pages are drawn: drawing
    /// holds no lock that counting needs, so it is far less than a page takes.
    private static func longestWait(_ registry: MetricsRegistry) -> Bool {
        let isOver = Atomic<Bool>(false)
        let pages = Atomic<Int>(0)
        let scraper = try? NamedThread.start(name: "bench-scrape") {
            while !isOver.load(ordering: .relaxed) {
                _ = registry.render(.prometheusText)
                pages.add(1, ordering: .relaxed)
            }
        }
        let family = registry.gauge(
            name: "cadre_bench_level", help: "Levels.", labels: ["namespace", "breaker"])
        var waits: [Int64] = []
        waits.reserveCapacity(200_000)
        while pages.load(ordering: .relaxed) < 50 {
            let began = SystemClock.monotonicNanos()
            family.with("default", "breaker-17").add()
            waits.append(SystemClock.monotonicNanos() - began)
        }
        isOver.store(true, ordering: .relaxed)
        scraper?.join()
        waits.sort()
        // Of so many some meet the end of their time slice: that is the machine's, not a lock's.
        let late = Double(waits[waits.count - 1 - waits.count / 10_000]) / 1e6
        return show(
            "look-up and add beside \(pages.load(ordering: .relaxed)) scrapes, 99.99 %", late, "ms",
            atMost: 1)
    }

    // MARK: Figures

    /// Nanoseconds of one call of `body`, which must not allocate.
    private static func cost(_ body: (Int) -> Void) -> Double {
        median {
            let allocations = allocation_count()
            let began = threadNanos()
            for call in 0..<calls { body(call) }
            let nanos = threadNanos() - began
            precondition(allocation_count() == allocations, "it allocates")
            return Double(nanos) / Double(calls)
        }
    }

    /// Processor time of this thread.
    private static func threadNanos() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func median(_ body: () -> Double) -> Double {
        _ = body()
        return (0..<rounds).map { _ in body() }.sorted()[rounds / 2]
    }

    private static func show(
        _ what: String, _ figure: Double, _ unit: String = "ns", atMost bar: Double
    ) -> Bool {
        let isRight = figure <= bar
        let rounded = (figure * 100).rounded() / 100
        print("\(what): \(rounded) \(unit), at most \(bar): \(isRight ? "ok" : "TOO SLOW")")
        return isRight
    }
}
