import Testing

/// Law 3: Coordination is pure. Time, randomness and ids come in as arguments.
enum PurityLaw {
    /// What reads a clock, makes a random choice, does I/O or runs at the same time.
    private static let impure = [
        "SystemClock", "ContinuousClock", "SuspendingClock", "Date(", "Date.now", "clock_gettime",
        "gettimeofday", ".random(", ".randomElement(", ".shuffled()", ".shuffle()", "UUID(",
        "SystemRandomNumberGenerator", "print(", "Task {", "Task.", "await ", "async ", "Mutex",
        "Atomic<", "Hasher(", ".hashValue",
    ]

    static func violations(of file: SourceFile) -> [String] {
        file.places(of: impure).map { $0 + " is not for Coordination, which is pure" }
    }
}

@Suite struct PurityLawTests {
    @Test func `Coordination reads no clock, draws no lots and does no I/O`() {
        let files = Repository.rooms.filter { $0.room == "Coordination" }
        #expect(!files.isEmpty)
        expectNone(files.flatMap(PurityLaw.violations))
    }

    @Test(arguments: [
        "let now = ContinuousClock.now", "let id = UUID()", "let n = Int.random(in: 0..<3)",
        "Task { work() }", "let x = await y()", "let seed = name.hashValue",
    ])
    func `impure code is seen`(line: String) {
        #expect(!PurityLaw.violations(of: SourceFile(path: "X.swift", text: line)).isEmpty)
    }

    @Test(arguments: [
        "// Date() is banned", "let text = \"await \"", "mutating func now(_ n: Int)",
    ])
    func `prose and harmless code are not`(line: String) {
        #expect(PurityLaw.violations(of: SourceFile(path: "X.swift", text: line)).isEmpty)
    }
}
