import LoadKit

/// What was asked for on the command line.
struct SharingArguments {
    /// Whose shared memory and locks.
    enum Server: String {
        case cadre, etcd
    }

    /// What one call is.
    enum Work: String {
        /// Writes one of the caller's keys, on disk before the answer.
        case put
        /// Reads one of the caller's keys.
        case get
        /// Acquires a lock that nobody else wants and releases it: two calls, both durable.
        case lock
    }

    var server = Server.cadre
    var work = Work.put
    var port = 50_051
    /// Calls in flight at once.
    var callers = 64
    /// Connections that the callers share evenly.
    var connections = 64
    /// Calls in all, not counting the warm-up.
    var count = 2_000
    /// Calls before the clock starts.
    var warmUp = 0

    static let usage = """
        usage: SharingLoad --server cadre|etcd --port P --work put|get|lock
                           [--callers N] [--connections N] [--count N] [--warm-up N]
        """

    /// - Throws: ``LoadFault`` that names the word that is wrong.
    init(_ words: [String]) throws(LoadFault) {
        var rest = words.dropFirst()
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw LoadFault("\(name) needs a value") }
            switch name {
            case "--server": server = try Self.choice(name, value)
            case "--work": work = try Self.choice(name, value)
            case "--port": port = try LoadFault.number(name, value, 1...65_535)
            case "--callers": callers = try LoadFault.number(name, value, 1...10_000)
            case "--connections": connections = try LoadFault.number(name, value, 1...1_000)
            case "--count": count = try LoadFault.number(name, value, 1...100_000_000)
            case "--warm-up": warmUp = try LoadFault.number(name, value, 0...100_000_000)
            default: throw LoadFault("there is no option \(name)\n\(Self.usage)")
            }
        }
    }

    private static func choice<Value: RawRepresentable<String>>(
        _ name: String, _ value: String
    ) throws(LoadFault) -> Value {
        guard let chosen = Value(rawValue: value) else {
            throw LoadFault("\(name) is \(value)\n\(usage)")
        }
        return chosen
    }
}
