import Foundation

/// The recorded symbol lists, which are not part of the repository: market data is the
/// exchange's. They are looked for in `$CADRE_SHARED_DATA/mexc`, else in `../shared/data/mexc`
/// beside the repository. Tests that need them are recorded as skipped where they are absent.
enum RecordedList: String, CaseIterable {
    case april2024 = "web-symbols-usdt.2024-04-22.json"
    case june2025 = "web-symbols-usdt.2025-06-29.json"
    case july2025 = "web-symbols-usdt.2025-07-02.json"

    /// Whether every list is there; says so once, loudly, when not.
    static let arePresent: Bool = {
        let missing = allCases.map(\.path).filter { !FileManager.default.fileExists(atPath: $0) }
        guard !missing.isEmpty else { return true }
        print("SKIPPING the tests on recorded market data; missing: \(missing)")
        print("Point CADRE_SHARED_DATA at the directory that holds mexc/\(june2025.rawValue).")
        return false
    }()

    var path: String { RecordedList.directory.appending(path: rawValue).path }

    func text() throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private static var directory: URL {
        if let base = ProcessInfo.processInfo.environment["CADRE_SHARED_DATA"] {
            return URL(fileURLWithPath: base).appending(path: "mexc")
        }
        // Tests/MexcPackTests/Support/RecordedLists.swift is four levels below the repository.
        let repository = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
            url.deletingLastPathComponent()
        }
        return repository.appending(path: "../shared/data/mexc").standardized
    }
}
