import Foundation
import Telemetry
import Testing

/// What others say about our pages: Prometheus' own checker and the reference parser of
/// OpenMetrics. Each runs where it is installed.
@Suite struct ForeignReaderTests {
    private static let promtool = executable("promtool")
    private static let python = executable("python3")
    private static let parser = """
        import sys
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
        for family in parse(sys.stdin.read()):
            print(family.name, family.type, family.unit, len(family.samples))
        """

    @Test(.enabled(if: promtool != nil, "needs promtool"))
    func `promtool finds nothing to say about the Prometheus page`() async throws {
        let page = sampleRegistry(writesCreationTimes: true).render(.prometheusText)
        let said = try await run(Self.promtool ?? "", ["check", "metrics"], input: page)
        #expect(said.status == 0, "\(said.output)")
        #expect(said.output == "")
    }

    @Test(.enabled("needs Python's prometheus_client") { await hasPrometheusClient() })
    func `the reference parser reads the OpenMetrics page`() async throws {
        let page = sampleRegistry(writesCreationTimes: true).render(.openMetrics)
        let said = try await run(Self.python ?? "", ["-c", Self.parser], input: page)
        #expect(said.status == 0, "\(said.output)")
        let expected = """
            cadre_build info  1
            cadre_busy_seconds counter seconds 2
            cadre_commit_seconds histogram seconds 8
            cadre_pages counter  2
            cadre_queue_length gauge  1
            cadre_read_bytes counter bytes 2
            cadre_rpc_calls counter  4
            cadre_store_bytes gauge bytes 1

            """
        #expect(said.output == expected)
    }

    @Sendable private static func hasPrometheusClient() async -> Bool {
        guard let python else { return false }
        let arguments = ["-c", "import prometheus_client.openmetrics.parser"]
        return (try? await run(python, arguments, input: []))?.status == 0
    }
}

/// The first executable of that name on the path.
private func executable(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
}

/// Runs a program on an input, without blocking, and returns its exit status and all it said.
private func run(
    _ path: String, _ arguments: [String], input: [UInt8]
) async throws -> (status: Int32, output: String) {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (inputFile, outputFile) = (folder.appending(path: "in"), folder.appending(path: "out"))
    try Data(input).write(to: inputFile)
    try Data().write(to: outputFile)

    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    let output = try FileHandle(forWritingTo: outputFile)
    process.standardOutput = output
    process.standardError = output
    try await withCheckedThrowingContinuation { continuation in
        process.terminationHandler = { _ in continuation.resume() }
        do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    return (process.terminationStatus, try String(contentsOf: outputFile, encoding: .utf8))
}
