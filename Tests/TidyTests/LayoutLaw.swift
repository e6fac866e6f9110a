import Testing

/// What may stand where.
enum LayoutLaw {
    private static let topLevel: Set<String> = [
        "Package.swift", "Sources", "Tests", "proto", "grafana", "k8s", "README.md", "Makefile",
        "Dockerfile", "LICENSE",
        // Written by the package manager and by a server run here; not tracked.
        "Package.resolved", "cadre-data",
    ]

    /// Names in the root that are neither in the house nor hidden.
    static func strangers(in names: [String]) -> [String] {
        names.filter { !topLevel.contains($0) && !$0.hasPrefix(".") }.sorted()
            .map { "\($0) does not belong in the root" }
    }
}

@Suite struct LayoutLawTests {
    @Test func `the root holds what the house names and nothing else`() {
        #expect(Repository.topLevel.contains("Package.swift"))
        expectNone(LayoutLaw.strangers(in: Repository.topLevel))
    }

    @Test func `a stranger in the root is seen`() {
        #expect(
            LayoutLaw.strangers(in: ["Sources", ".ci", "notes.txt"]) == [
                "notes.txt does not belong in the root"
            ])
    }
}

@Suite struct SwiftTextTests {
    @Test(arguments: [
        ("let a = 1 // one", "let a = 1       "),
        ("/* a /* b */ c */ x", "                  x"),
        (#"f("a\"b", x)"#, #"f("    ", x)"#),
        (#"f("a\(g("b") + 1)c")"#, #"f("   g(" ") + 1  ")"#),
        (##"f(#"a"b\n"#)"##, ##"f(#"     "#)"##),
        (##"f(#"a\#(x)b"#)"##, ##"f(#"    x  "#)"##),
        ("f(\"\"\"\na \"b\"\n\"\"\") // c", "f(\"\"\"\n     \n\"\"\")     "),
        ("func `a name`() {}", "func `      `() {}"),
        ("#if DEBUG", "#if DEBUG"),
    ])
    func `prose is blanked and code keeps its place`(source: String, blanked: String) {
        #expect(SwiftText(source).code == blanked)
    }
}
