import Testing

@testable import cadre

struct TextTableTests {
    @Test func `columns are as wide as their widest cell`() {
        var table = TextTable("A", "LONG", "C")
        table.add("aaa", "b", "c")
        #expect(table.text == "A    LONG  C\naaa  b     c")
    }

    @Test func `control characters do not get to the terminal`() {
        var table = TextTable("A", "B")
        table.add("\u{1b}]0;x\u{7}", "a\nb\t\u{7f}\u{9b}2J\r\u{0}é")
        #expect(
            table.text
                == "A             B\n"
                + #"\x1b]0;x\x07  a\x0ab\x09\x7f\x9b2J\x0d\x00é"#)
        #expect("a\nb\u{1b}".visibleLines == "a\nb\\x1b")
        #expect("plain é ✓".visible == "plain é ✓")
    }

    @Test func `columns are those of a terminal, not characters`() {
        var table = TextTable("A", "B")
        table.add("新币", "x")
        table.add("👍🏽é", "y")
        table.add("abcd", "z")
        #expect(table.text == "A     B\n新币  x\n👍🏽é   y\nabcd  z")
        #expect("e\u{301}".columns == 1 && "☀\u{fe0f}".columns == 2)
    }

    @Test func `a wide cell is cut at the column, not the character`() {
        var table = TextTable("A")
        table.add(String(repeating: "新", count: 31))
        #expect(table.text.hasSuffix("\n" + String(repeating: "新", count: 29) + "…"))
    }

    @Test func `what hides text or turns it round is shown as a code`() {
        #expect(
            "a\u{202e}b\u{200b}c\u{2066}\u{feff}".visible == #"a\u{202e}b\u{200b}c\u{2066}\u{feff}"#
        )
        #expect("a\u{2028}b".visibleLines == #"a\u{2028}b"#)
        #expect("👩‍👩‍👧 naïve 新 שלום".visible == "👩‍👩‍👧 naïve 新 שלום")
    }

    @Test func `a cell over 60 characters is cut`() {
        var table = TextTable("A")
        table.add(String(repeating: "x", count: 90))
        #expect(table.text.hasSuffix(String(repeating: "x", count: 59) + "…"))
    }
}
