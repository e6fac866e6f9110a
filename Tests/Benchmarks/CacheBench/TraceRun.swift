import Cache

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A trace played on a cache of so many entries that all weigh the same: the server's own policy, with
/// the configuration that it always has.
struct TraceRun {
    let cache: SharedCache
    let space: CacheNamespace

    init(entries: Int) {
        var configuration = CacheConfiguration()
        configuration.sharedCapacity = entries
        configuration.agentCapacity = 1
        cache = SharedCache(configuration)
        space = cache.namespace("trace")
    }

    /// Percent of a file's keys that hit; what misses is set at once.
    func percent(of path: String) -> Double {
        guard let file = fopen(path, "r") else { preconditionFailure("\(path) cannot be read") }
        defer { fclose(file) }
        var write = CacheWrite(nil, ttlNanos: 1 << 60)
        write.weight = 1
        var (hits, requests) = (0, 0)
        while let line = Self.line(of: file) {
            guard !line.isEmpty, line != "*" else { continue }
            let key = space.key(line)
            requests += 1
            if cache.item(key, now: 0) != nil {
                hits += 1
            } else {
                _ = cache.set(key, write, in: space, now: 0)
            }
        }
        return requests == 0 ? 0 : (10_000 * Double(hits) / Double(requests)).rounded() / 100
    }

    private static func line(of file: UnsafeMutablePointer<FILE>) -> String? {
        var bytes: [UInt8] = []
        while true {
            let byte = getc(file)
            if byte == EOF { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
            if byte == Int32(UInt8(ascii: "\n")) { break }
            if byte != Int32(UInt8(ascii: "\r")) { bytes.append(UInt8(byte)) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
