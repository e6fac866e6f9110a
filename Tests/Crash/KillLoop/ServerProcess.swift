import Foundation

/// The real binary as a child process, on a port of its own.
struct ServerProcess {
    let process: Process
    let port: Int

    /// Starts the binary on a data directory.
    init(binary: String, directory: String, port: Int) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = [
            "serve", "--with-echo", "--grpc-port", "\(port)", "--console-port", "0",
            "--data", directory, "--log", "warning",
        ]
        process.standardOutput = FileHandle.nullDevice
        self.port = port
        try process.run()
    }

    /// Ends it as a power cut would, as far as a process can, and waits until it is gone.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// A port that nobody listens on now.
    static func freePort() -> Int {
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
