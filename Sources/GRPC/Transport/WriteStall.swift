import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How long a client has taken nothing of what waits in its connection.
///
/// That a socket is writable does not tell: Linux says so only when a third of its send buffer is
/// free, which grows to 4 MiB, and a client that reads 20 KB a second needs a minute for that. So
/// what the client has taken is looked at, and any change is progress.
struct WriteStall {
    /// What is known of how far the client is.
    struct Mark: Equatable {
        /// Bytes that wait in the channel.
        var waiting: Int
        /// A number of the system's that changes with each byte the client takes; nil when there is
        /// none, as of a socket that is not TCP's.
        var taken: UInt64?
    }

    private var last: (mark: Mark, at: UInt64)?

    /// The channel takes output.
    mutating func ended() { last = nil }

    /// The channel takes no output; returns for how many nanoseconds the client has taken nothing.
    mutating func nanoseconds(_ mark: Mark, now: UInt64) -> UInt64 {
        guard let last, last.mark == mark else {
            last = (mark, now)
            return 0
        }
        return now > last.at ? now - last.at : 0
    }
}

extension WriteStall.Mark {
    /// Asks the system about a channel; on the channel's loop, where the answer is there at once.
    static func of(_ channel: any Channel, _ body: @escaping (WriteStall.Mark) -> Void) {
        let waiting = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard let socket = channel as? any SocketOptionProvider else {
            return body(WriteStall.Mark(waiting: waiting, taken: nil))
        }
        taken(socket).assumeIsolated().whenComplete { result in
            body(WriteStall.Mark(waiting: waiting, taken: try? result.get()))
        }
    }

    #if canImport(Darwin)
        /// Bytes in the socket's send buffer (SO_NWRITE).
        private static func taken(_ socket: any SocketOptionProvider) -> EventLoopFuture<UInt64> {
            let unsent: EventLoopFuture<Int32> = socket.unsafeGetSocketOption(
                level: .socket, name: NIOBSDSocket.Option(rawValue: SO_NWRITE))
            return unsent.map { UInt64(UInt32(bitPattern: $0)) }
        }
    #else
        /// Bytes that the client's system has acknowledged: `tcpi_bytes_acked`, the sixteenth word of
        /// the kernel's `tcp_info` (linux/tcp.h); the C library's own declaration ends before it.
        private static func taken(_ socket: any SocketOptionProvider) -> EventLoopFuture<UInt64> {
            let info: EventLoopFuture<SIMD16<UInt64>> = socket.unsafeGetSocketOption(
                level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_INFO))
            return info.map { $0[15] }
        }
    #endif
}
