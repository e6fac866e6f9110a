import GRPC
import Messages
import NIOPosix
import Stubs
import Telemetry

/// `CallFloor --port N`: serves `cadre.v1.CacheService.Get` on one loop without a cache. Every call
/// is answered with the same value of 100 bytes, in a response with the fields that a hit fills, and
/// counted as the server counts its calls.
///
/// What the real service costs more than this is what the cache costs. Runs until a signal ends it.
@main
enum CallFloorMain {
    static func main() async throws {
        let words = CommandLine.arguments.dropFirst()
        guard words.count == 2, words.first == "--port", let port = words.last.flatMap({ Int($0) })
        else {
            print("usage: CallFloor --port N")
            throw UsageError()
        }
        let server = GRPCServer(
            configuration: ServerConfiguration(host: "127.0.0.1", port: port),
            services: [SameAnswer().registration],
            group: MultiThreadedEventLoopGroup(numberOfThreads: 1), metrics: CountedCalls())
        print("listens on 127.0.0.1:\(try await server.start())")
        while true { try await Task.sleep(for: .seconds(3600)) }
    }
}

/// Answers every `Get` with what was made beforehand.
struct SameAnswer: CacheServiceHandler {
    private let response: CacheServiceGetResponse

    init() {
        var lookup = CacheLookup()
        lookup.result = .hit
        lookup.tier = .shared
        lookup.version = 1
        lookup.freshForMillis = 299_000
        lookup.expiresInMillis = 299_000
        let text = [UInt8](repeating: UInt8(ascii: "x"), count: 98)
        lookup.value = Payload(
            data: [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")], contentType: "")
        response = CacheServiceGetResponse(
            lookup: lookup, position: CachePosition(epoch: 1 << 40, sequence: 1))
    }

    func get(_ request: CacheServiceGetRequest, _ call: UnaryCall<CacheServiceGetResponse>) {
        call.respond(response)
    }
}

/// Counts calls, their bytes and their time, for nobody to read.
struct CountedCalls: CallObserver {
    func observer(of method: MethodDescriptor?) -> any MethodObserver { CountedMethod() }
}

/// The calls of one method.
final class CountedMethod: MethodObserver {
    private let started = Counter()
    private let active = Gauge()
    private let received = Counter()
    private let sent = Counter()
    private let ended = Counter()
    private let seconds = Histogram(buckets: .callSeconds)

    func callStarted() {
        started.add()
        active.add()
    }

    func callEnded(_ summary: CallSummary) {
        active.subtract()
        received.add(UInt64(clamping: summary.bytesReceived))
        sent.add(UInt64(clamping: summary.bytesSent))
        ended.add()
        seconds.observe(nanos: summary.nanoseconds)
    }
}

/// The arguments were not understood; what to type has been printed.
struct UsageError: Error {}
