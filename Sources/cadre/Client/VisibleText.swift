/// Text from elsewhere on its way to a terminal: nothing gets there that moves the cursor, turns the
/// direction of what follows or hides itself.
extension String {
    /// C0, DEL and C1 as `\\xNN`, the ends of lines among them: what is one cell or one line stays so.
    /// Marks of direction and characters without width as `\\u{NNNN}`.
    var visible: String { escaped { $0.isControl || $0.isHidden } }

    /// As ``visible``, for text of several lines.
    var visibleLines: String { escaped { ($0.isControl || $0.isHidden) && $0 != "\n" } }

    private func escaped(_ isHidden: (Unicode.Scalar) -> Bool) -> String {
        guard unicodeScalars.contains(where: isHidden) else { return self }
        var shown = ""
        for scalar in unicodeScalars {
            if isHidden(scalar) {
                shown += scalar.code
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }

    /// Format characters (Cf), the ends of lines and paragraphs, and fillers that show nothing. What
    /// joins pictures and scripts stays.
    fileprivate var isHidden: Bool {
        switch properties.generalCategory {
        case .format: value != 0x200d && value != 0x200c
        case .lineSeparator, .paragraphSeparator: true
        default: [0x115f, 0x1160, 0x3164, 0xffa0].contains(value)
        }
    }

    fileprivate var code: String {
        let digits = String(value, radix: 16)
        if isControl { return digits.count == 1 ? "\\x0\(digits)" : "\\x\(digits)" }
        return "\\u{\(digits)}"
    }
}
