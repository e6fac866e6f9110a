import Testing

@testable import cadre

struct TextTableTests {
    @Test func `columns are as wide as their widest cell`() {
        var table = TextTable("A", "LONG", "C")
        table.add("aaa", "b", "c")
        #expect(table.text == "A    LONG  C\naaa  b     c")
    }

    @Test func `a cell over 60 characters is cut`() {
        var table = TextTable("A")
        table.add(String(repeating: "x", count: 90))
        #expect(table.text.hasSuffix(String(repeating: "x", count: 59) + "…"))
    }
}
