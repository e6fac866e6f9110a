import Foundation
import Testing

/// Words that must not stand in the project.
enum WordLaw {
    /// Promises to do it later. Put together here, so that this file may say them.
    private static let later = ["TO" + "DO", "FIX" + "ME"]
    /// Ends of the program without a sentence why; use `preconditionFailure` with one.
    private static let crashes = ["fatal" + "Error("]
    /// Waiting by time instead of by event.
    private static let sleeps = ["sleep(", "sleep (", "Timer.scheduledTimer"]
    /// Places of the machine it was written on.
    private static let machinePaths = ["/wo" + "rk/", "/t" + "mp/"]

    static func leftovers(in file: SourceFile) -> [String] {
        file.places(of: later, inProseToo: true) + file.places(of: crashes)
    }

    static func sleeps(in file: SourceFile) -> [String] {
        file.places(of: sleeps)
    }

    static func machinePaths(in text: String, at path: String) -> [String] {
        if !machinePaths.contains(where: { strstr(text, $0) != nil }) { return [] }
        return SourceFile(path: path, text: text).places(of: machinePaths, inProseToo: true)
    }

    /// `Synchronization.Mutex`: the thread sanitizer cannot see it; `Threads.Locked` it can.
    static func foreignLocks(in file: SourceFile) -> [String] {
        file.places(of: ["Mutex<", "Mutex("])
    }

    /// Swift's own `print`, which buffers what goes to a pipe and lets through what could move the
    /// cursor; `cadre` has `printVisible` and `StandardOutput`.
    static func prints(in file: SourceFile) -> [String] {
        file.places(of: [" print(", ".print("])
    }
}

@Suite struct WordLawTests {
    @Test func `nothing is left for later and nothing ends without a sentence`() {
        expectNone(Repository.written.flatMap(WordLaw.leftovers))
    }

    @Test func `tests wait for signals, not for time`() {
        expectNone(Repository.written.filter(\.isTest).flatMap(WordLaw.sleeps))
    }

    @Test func `locks come from Threads`() {
        expectNone(Repository.rooms.flatMap(WordLaw.foreignLocks))
    }

    @Test func `no room prints but by its own means`() {
        expectNone(Repository.rooms.flatMap(WordLaw.prints))
    }

    @Test func `no file knows the machine it was written on`() {
        let folders = ["Sources", "Tests", "proto", "grafana", "k8s", ".ci"]
        let files =
            folders.flatMap(Repository.paths)
            + ["Package.swift", "README.md", "Makefile", "Dockerfile"].filter(
                Repository.topLevel.contains)
        expectNone(files.flatMap { WordLaw.machinePaths(in: Repository.text(of: $0), at: $0) })
    }

    @Test func `each of these words is seen`() {
        let text = """
            // TO\("DO"): later
            fatal\("Error")("no")
            try await Task.sleep(for: .seconds(1))
            let path = "/t\("mp")/x"
            let lock = Mutex(0)
            if isHeld { print(lock) }
            """
        let file = SourceFile(path: "X.swift", text: text)
        #expect(WordLaw.leftovers(in: file).map { $0.prefix(9) } == ["X.swift:1", "X.swift:2"])
        #expect(WordLaw.sleeps(in: file).map { $0.prefix(9) } == ["X.swift:3"])
        #expect(WordLaw.machinePaths(in: text, at: "X.swift").map { $0.prefix(9) } == ["X.swift:4"])
        #expect(WordLaw.foreignLocks(in: file).map { $0.prefix(9) } == ["X.swift:5"])
        #expect(WordLaw.prints(in: file).map { $0.prefix(9) } == ["X.swift:6"])
    }
}
