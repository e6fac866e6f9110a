import Foundation
import Yams

extension Settings {
    /// The number of processors that this process may use.
    static var processors: Int { min(64, max(1, ProcessInfo.processInfo.activeProcessorCount)) }

    /// Reads the file, then the environment, then the flags, each over the one before.
    ///
    /// - Parameters:
    ///   - file: a YAML mapping of setting names to values; `nil`: none. What is empty or null there is
    ///     as good as left out.
    ///   - environment: `CADRE_GRPC_PORT` for `grpc-port`, and so on. Others are left alone, and so is
    ///     what is empty: tools that start containers set variables to nothing as a matter of course.
    ///   - flags: what was typed; what is empty is refused, since it is a variable that nobody set.
    static func read(
        file: String?, environment: [String: String], flags: [(String, String)]
    ) throws(Fault) -> Settings {
        var settings = Settings()
        if let file { try settings.read(file: file) }
        for key in keys {
            let name = "CADRE_" + key.uppercased().replacing("-", with: "_")
            if let text = environment.filled(name) { try settings.set(key, to: text, from: name) }
        }
        for (key, text) in flags {
            if text.isEmpty { throw Fault.empty(key) }
            try settings.set(key, to: text, from: "--\(key)")
        }
        try settings.validate()
        return settings
    }

    private mutating func read(file: String) throws(Fault) {
        for (key, text) in try Self.pairs(inFile: file) {
            try set(key, to: text, from: file)
        }
    }

    private static func pairs(inFile file: String) throws(Fault) -> [(String, String)] {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Fault(description: "the configuration file \(file) cannot be read")
        }
        let node: Node?
        do {
            node = try Yams.compose(yaml: String(decoding: data, as: UTF8.self))
        } catch {
            throw Fault(description: "\(file) is not YAML: \(error)")
        }
        guard let node else { return [] }
        guard let mapping = node.mapping else {
            throw Fault(description: "\(file) must be a mapping such as `grpc-port: 50051`")
        }
        var pairs: [(String, String)] = []
        for (key, value) in mapping {
            // `data:`, `data: ~` and `data: ""` say nothing, as if the line were left out.
            if value.null != nil { continue }
            guard let name = key.scalar?.string, let text = value.scalar?.string else {
                throw Fault(description: "\(file): every setting is one name and one plain value")
            }
            if !text.isEmpty { pairs.append((name, text)) }
        }
        return pairs
    }
}

extension [String: String] {
    /// What a variable of the environment says; `nil` when it is not set, or to nothing.
    func filled(_ name: String) -> String? {
        self[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
