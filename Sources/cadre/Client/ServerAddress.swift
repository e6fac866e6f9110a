import ArgumentParser

/// Where a server listens, as people write it: `host:50051`, `192.0.2.1:50051`, `[::1]:50051`.
struct ServerAddress: Equatable {
    /// A name or an address, without brackets.
    let host: String
    /// 1 to 65,535.
    let port: Int

    /// - Parameter source: where the text is from, for the message.
    /// - Throws: `ValidationError` that says what would be right.
    init(_ text: String, from source: String) throws {
        guard let colon = text.lastIndex(of: ":"),
            let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port),
            let host = Self.host(text[..<colon])
        else {
            throw ValidationError(
                "\(source) must be HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051, not \(text)")
        }
        self.host = host
        self.port = port
    }

    /// Only in brackets may a host have colons of its own (RFC 3986, section 3.2.2).
    private static func host(_ text: Substring) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = text.dropFirst().dropLast()
            return inner.contains(":") ? String(inner) : nil
        }
        return text.isEmpty || text.contains { ":/[]@ ".contains($0) } ? nil : String(text)
    }
}
