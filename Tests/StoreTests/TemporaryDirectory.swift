#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A directory of one test's own, removed with what is in it when the last reference goes.
final class TemporaryDirectory: Sendable {
    let path: String

    struct Failure: Error {
        var errno: Int32
    }

    init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/cadre-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(errno: errno) }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        if let listing = opendir(path) {
            while let entry = readdir(listing) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                        String(cString: $0)
                    }
                }
                if name != "." && name != ".." { remove("\(path)/\(name)") }
            }
            closedir(listing)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
