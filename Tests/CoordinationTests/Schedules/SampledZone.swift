import Coordination
import Foundation
import JSON

/// A file of the time zone database with the offsets that Python reads from it, as
/// `Tests/Conformance/vectors/make_time_zones.py` wrote them down.
struct SampledZone: Sendable {
    let name: String
    let tzif: [UInt8]
    let samples: [(instant: Int64, offset: Int32)]

    static let all: [SampledZone] = {
        let folder = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
            url.deletingLastPathComponent()
        }
        let file = folder.appending(path: "Conformance/vectors/time_zones.jsonl")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { SampledZone(line: String($0)) }
    }()

    /// The tables themselves.
    static let tables: [TimeZoneTable] = all.compactMap {
        try? TimeZoneTable(name: $0.name, tzif: $0.tzif)
    }

    private init?(line: String) {
        guard let root = try? JSONDocument(parsing: line).root,
            let name = root["zone"]?.string,
            let content = root["tzif"]?.string.flatMap({ Data(base64Encoded: $0) }),
            let samples = root["samples"]
        else { return nil }
        self.name = name
        tzif = Array(content)
        self.samples = samples.elements.compactMap { sample in
            guard let instant = sample[0]?.int64, let offset = sample[1]?.int64 else { return nil }
            return (instant, Int32(offset))
        }
    }
}
