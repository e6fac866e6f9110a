import Foundation

/// A program of ours as a child process that is ended the hard way.
package struct ChildProgram {
    private let process: Process

    /// Starts a program with its output thrown away.
    package init(binary: String, arguments: [String]) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    /// Ends it as a power cut would, as far as a process can, and waits until it is gone.
    package func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

/// The real binary as a child process, on a port of its own.
package struct ServerProcess {
    /// Where it serves gRPC, on the loopback address.
    package let port: Int
    private let program: ChildProgram

    /// Starts the binary on a data directory.
    package init(binary: String, directory: String) throws {
        port = Self.freePort()
        program = try ChildProgram(
            binary: binary,
            arguments: [
                "serve", "--with-echo", "--grpc-port", "\(port)", "--console-port", "0",
                "--data", directory, "--log", "warning",
            ])
    }

    /// Ends it as a power cut would.
    package func kill() { program.kill() }

    /// A port that nobody listens on now.
    private static func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = bind(descriptor, generic, length)
                _ = getsockname(descriptor, generic, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
