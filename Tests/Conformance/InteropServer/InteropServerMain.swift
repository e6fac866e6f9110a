import GRPC
import InteropMessages
import NIOPosix

/// `InteropServer --port N`: serves `grpc.testing.TestService` on the loopback address, for the
/// interoperability cases of foreign clients. Port 0 lets the system choose; the first line of the
/// output names the port. Runs until it is ended by a signal.
@main
enum InteropServerMain {
    static func main() async throws {
        guard let port = port(in: CommandLine.arguments.dropFirst()) else {
            print("usage: InteropServer --port N    (0 to 65535; 0 lets the system choose)")
            throw UsageError()
        }
        let server = GRPCServer(
            configuration: ServerConfiguration(host: "127.0.0.1", port: port),
            services: [TestServiceProvider().registration],
            group: MultiThreadedEventLoopGroup.singleton)
        print("interop server listens on 127.0.0.1:\(try await server.start())")
        while true {
            try await Task.sleep(for: .seconds(3600))
        }
    }

    /// The number after `--port`; nil when anything else is given.
    private static func port(in arguments: ArraySlice<String>) -> Int? {
        guard arguments.count == 2, arguments.first == "--port",
            let port = arguments.last.flatMap({ Int($0) }), (0...65535).contains(port)
        else { return nil }
        return port
    }
}

/// The arguments were not understood; what to type has been printed.
struct UsageError: Error {}
