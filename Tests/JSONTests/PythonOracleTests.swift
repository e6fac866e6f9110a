import Foundation
import JSON
import Testing

/// Python's `json` as an independent reader: both must accept the same texts and read the same
/// values from them.
@Suite struct PythonOracleTests {
    /// Answers each line (a text in hexadecimal) with a line: what Python read, written again;
    /// `refused`; or `beyond` for numbers beyond a double. Python's extensions (NaN, unpaired
    /// surrogates) count as refused. Integers in any notation stay exact, as ours do.
    private static let script = """
        import decimal, json, math, sys
        decimal.getcontext().prec = 1000
        def refuse(name): raise ValueError(name)
        def number(text):
            value = float(text)
            if math.isinf(value): raise OverflowError(text)
            exact = decimal.Decimal(text)
            whole = abs(value) < 1e20 and exact == exact.to_integral_value()
            return int(exact) if whole and abs(exact) < 2 ** 64 else value
        for line in sys.stdin:
            try:
                text = bytes.fromhex(line).decode("utf-8")
                value = json.loads(text, parse_constant=refuse, parse_float=number)
                json.dumps(value, ensure_ascii=False).encode("utf-8")
                print(json.dumps(value).encode().hex())
            except ValueError:
                print("refused")
            except OverflowError:
                print("beyond")
        """

    private static let python = [
        "/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3",
    ]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test(.enabled(if: python != nil, "needs python3"), arguments: [3, 1_000_003] as [UInt64])
    func `Python accepts the same texts and reads the same values`(seed: UInt64) async throws {
        let texts = randomTexts(seed: seed)
        let answers = try await ask(texts)
        try #require(answers.count == texts.count, "seed \(seed)")
        for (text, answer) in zip(texts, answers) where answer != "beyond" {
            let ours = try? JSONDocument(parsing: text).root.canonicalBytes
            let theirs = try? JSONDocument(parsing: bytes(hex: answer)).root.canonicalBytes
            #expect(ours == theirs, "seed \(seed): \(String(decoding: text, as: UTF8.self))")
        }
        #expect(answers.contains("refused") && answers.contains { $0 != "refused" })
    }

    private func randomTexts(seed: UInt64) -> [[UInt8]] {
        var generator = RandomText(seed: seed)
        return (0..<1_000).map { round in
            var text = Array(generator.value().utf8)
            if round % 2 == 1 && !text.isEmpty {
                let place = generator.below(text.count)
                text[place] = Array("{}[]\",:\\u0e.-1 \u{1}é".utf8)[generator.below(17)]
            }
            return text
        }
    }

    private func ask(_ texts: [[UInt8]]) async throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "json-oracle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (input, output) = (folder.appending(path: "in"), folder.appending(path: "out"))
        try Data(texts.map { hex($0) + "\n" }.joined().utf8).write(to: input)
        try Data().write(to: output)

        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.python ?? "")
        process.arguments = ["-c", Self.script]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        let answers = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        return answers.split(separator: "\n").map(String.init)
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func bytes(hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
    }
}
