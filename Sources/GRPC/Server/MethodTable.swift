import HTTP2

/// A method as the server keeps it: one object per method, so that a call holds one reference.
final class RegisteredMethod: Sendable {
    let descriptor: MethodDescriptor
    let handler: ServerMethod.Handler
    /// Tell the observer. Closures, because taking an `any MethodObserver` out of an object for
    /// each call would copy it each time.
    let callStarted: @Sendable () -> Void
    let callEnded: @Sendable (CallSummary) -> Void

    init(_ method: ServerMethod, observer: (any MethodObserver)?) {
        descriptor = method.descriptor
        handler = method.handler
        if let observer {
            callStarted = { observer.callStarted() }
            callEnded = { observer.callEnded($0) }
        } else {
            callStarted = {}
            callEnded = { _ in }
        }
    }
}

/// Finds a method by the bytes of `:path`, without making a String: open addressing, half full.
struct MethodTable: Sendable {
    private struct Entry: Sendable {
        let path: [UInt8]
        let method: RegisteredMethod
    }

    private var entries: [Entry?]
    private let mask: Int
    private let services: Set<String>
    /// Observes calls of paths that are not served.
    let unknownObserver: (any MethodObserver)?

    /// A table of every method of the services; two methods with one path are a mistake.
    init(_ services: [ServiceRegistration], observer: (any CallObserver)?) {
        let methods = services.flatMap(\.methods)
        var capacity = 8
        while capacity < methods.count * 2 { capacity *= 2 }
        entries = Array(repeating: nil, count: capacity)
        mask = capacity - 1
        self.services = Set(services.map(\.descriptor.name))
        unknownObserver = observer?.observer(of: nil)
        for method in methods {
            let path = Array(method.descriptor.path.utf8)
            let slot = Self.probe(entries, mask, path, path.indices)
            precondition(entries[slot] == nil, "\(method.descriptor.path) is registered twice")
            let observed = observer?.observer(of: method.descriptor)
            entries[slot] = Entry(path: path, method: RegisteredMethod(method, observer: observed))
        }
    }

    /// The method whose path these bytes are.
    func method(at path: Range<Int>, of fields: HTTP2Fields) -> RegisteredMethod? {
        entries[Self.probe(entries, mask, fields.bytes, path)]?.method
    }

    /// The answer to a path that is not served.
    func unknownPath(_ path: String) -> GRPCStatus {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty else {
            return GRPCStatus(.unimplemented, "malformed path; expected /package.Service/Method")
        }
        let service = String(parts[1].prefix(256))
        return services.contains(service)
            ? GRPCStatus(
                .unimplemented, "unknown method \(parts[2].prefix(256)) of service \(service)")
            : GRPCStatus(.unimplemented, "unknown service \(service)")
    }

    /// The slot that holds the path, or the free one where it would be.
    private static func probe(
        _ entries: [Entry?], _ mask: Int, _ bytes: [UInt8], _ range: Range<Int>
    ) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a; the table's content is the owner's.
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01b3 }
        var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
        while let entry = entries[slot] {
            if entry.path.count == range.count, entry.path.elementsEqual(bytes[range]) {
                return slot
            }
            slot = (slot + 1) & mask
        }
        return slot
    }
}
