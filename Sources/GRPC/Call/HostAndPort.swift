/// An address as it stands in `:authority`, in URLs and in messages for people.
enum HostAndPort {
    /// `host:port`; an IPv6 address has brackets (RFC 3986 section 3.2.2).
    static func text(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
