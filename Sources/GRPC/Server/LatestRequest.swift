import HTTP2

/// What the last header block of a connection meant. A client mostly sends the same fields with
/// every call, so they are read once, and the metadata of all these calls shares its memory.
///
/// A class, so that a connection that has seen no request keeps a pointer only.
final class LatestRequest {
    /// Larger blocks are not kept: an idle connection must stay small.
    private static let maxBytes = 1024

    /// The fields as they came.
    let fields: HTTP2Fields
    let method: RegisteredMethod
    let metadata: Metadata
    let timeout: RequestHead.Timeout

    /// Keeps a block that was found to be in order; nil when it is large.
    init?(_ fields: HTTP2Fields, _ range: Range<Int>, head: RequestHead, method: RegisteredMethod) {
        var copy = HTTP2Fields()
        for field in fields.fields[range] { copy.append(field, of: fields) }
        guard copy.headerListBytes <= Self.maxBytes else { return nil }
        self.fields = copy
        self.method = method
        metadata = head.metadata
        timeout = head.timeout
    }
}
