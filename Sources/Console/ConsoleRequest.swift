/// What an answer may depend on.
public struct ConsoleRequest: Sendable, Hashable {
    /// The path, without the query.
    public let path: String
    /// What follows the question mark, undecoded; empty when there is none.
    public let query: String
    /// All `Accept` headers, joined by commas; `nil` without one.
    public let accept: String?

    /// Takes a request target apart (RFC 9112 section 3.2, origin-form and absolute-form).
    init(target: String, accept: String?) {
        let origin = Self.originForm(target)
        let parts = origin.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        query = parts.count > 1 ? String(parts[1]) : ""
        self.accept = accept
    }

    /// Whether the query names an item, with or without a value.
    public func hasQueryItem(_ name: String) -> Bool {
        query.split(separator: "&").contains { item in
            item.prefix { $0 != "=" } == name
        }
    }

    /// `http://host/path` is what a request through a proxy says; servers must take it too.
    private static func originForm(_ target: String) -> Substring {
        guard target.lowercased().hasPrefix("http://") else { return Substring(target) }
        let rest = target.dropFirst("http://".count)
        return rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
    }
}

/// An answer with its whole body.
public struct ConsoleResponse: Sendable, Hashable {
    /// HTTP status, 200 ... 599.
    public var status: Int
    /// Media type of the body.
    public var contentType: String
    /// The body.
    public var body: [UInt8]
    /// Whether another `Accept` would have given another body (header `Vary`).
    public var variesByAccept: Bool

    /// An answer of bytes.
    public init(
        status: Int = 200, contentType: String, body: [UInt8], variesByAccept: Bool = false
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.variesByAccept = variesByAccept
    }

    /// An answer of plain text.
    public init(status: Int = 200, text: String) {
        self.init(
            status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}
