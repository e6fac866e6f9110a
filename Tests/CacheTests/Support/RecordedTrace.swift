import Foundation
import Testing

/// Recorded access traces, which are not part of the repository. They are looked for in
/// `$CADRE_SHARED_DATA/traces`, else in `../shared/data/traces` beside the repository. Tests that need
/// them are recorded as skipped where they are absent.
enum RecordedTrace: String, CaseIterable {
    case gli = "lirs_gli.trace.gz"
    case loop = "lirs_loop.trace.gz"
    case multi2 = "lirs_multi2.trace.gz"

    /// Whether every trace is there; says so once, loudly, when not.
    static let arePresent: Bool = {
        let missing = allCases.map(\.path).filter { !FileManager.default.fileExists(atPath: $0) }
        guard !missing.isEmpty else { return true }
        print("SKIPPING the tests on recorded access traces; missing: \(missing)")
        print("Point CADRE_SHARED_DATA at the directory that holds traces/\(loop.rawValue).")
        return false
    }()

    /// The keys that were asked for, in order.
    func requests() async throws -> [Int] {
        // Lines end in one of several ways; a line that is no number is a mark.
        try await unzipped().split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            .compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    }

    private var path: String { RecordedTrace.directory.appending(path: rawValue).path }

    private func unzipped() async throws -> Data {
        let output = FileManager.default.temporaryDirectory
            .appending(path: "trace-\(UUID().uuidString)")
        try Data().write(to: output)
        defer { try? FileManager.default.removeItem(at: output) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", path]
        process.standardOutput = try FileHandle(forWritingTo: output)
        try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return try Data(contentsOf: output)
    }

    private static var directory: URL {
        if let base = ProcessInfo.processInfo.environment["CADRE_SHARED_DATA"] {
            return URL(fileURLWithPath: base).appending(path: "traces")
        }
        // Tests/CacheTests/Support/RecordedTrace.swift is four levels below the repository.
        let repository = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
            url.deletingLastPathComponent()
        }
        return repository.appending(path: "../shared/data/traces").standardized
    }
}
