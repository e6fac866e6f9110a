import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Has the system ask a silent peer whether it is still there: one that vanished without a word (its
/// machine stopped, its network is gone) would else keep its connection for ever.
enum KeepAlive {
    /// Seconds of silence before the first question.
    static let idleSeconds = 60
    /// Seconds between questions.
    static let intervalSeconds = 15
    /// Questions without an answer after which the connection ends, two minutes after the last word.
    static let probes = 4

    /// On the channel's loop; does nothing with a socket that is not TCP's.
    static func begin(on channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        switch channel.localAddress {
        case .unixDomainSocket: return
        case .v4, .v6, nil: break
        }
        try options.setOption(.socketOption(.so_keepalive), value: 1)
        try options.setOption(.tcpOption(idle), value: idleSeconds)
        try options.setOption(.tcpOption(interval), value: intervalSeconds)
        try options.setOption(.tcpOption(count), value: probes)
    }

    #if canImport(Darwin)
        private static let idle = NIOBSDSocket.Option(rawValue: TCP_KEEPALIVE)
    #else
        private static let idle = NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE)
    #endif
    private static let interval = NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)
    private static let count = NIOBSDSocket.Option(rawValue: TCP_KEEPCNT)
}
