/// Text from elsewhere on its way to a terminal: no control character gets there.
extension String {
    /// C0, DEL and C1 as `\\xNN`, the ends of lines among them: what is one cell or one line stays so.
    var visible: String { escaped { $0.isControl } }

    /// As ``visible``, for text of several lines.
    var visibleLines: String { escaped { $0.isControl && $0 != "\n" } }

    private func escaped(_ isHidden: (Unicode.Scalar) -> Bool) -> String {
        guard unicodeScalars.contains(where: isHidden) else { return self }
        var shown = ""
        for scalar in unicodeScalars {
            if isHidden(scalar) {
                let digits = String(scalar.value, radix: 16)
                shown += digits.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }
}
