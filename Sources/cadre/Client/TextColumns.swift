extension String {
    /// The columns that it takes on a terminal: two for what East Asian scripts and pictures are made
    /// of (Unicode Standard Annex 11, as wcwidth of most terminals has it), none for marks that stand
    /// on the character before.
    var columns: Int { reduce(0) { $0 + $1.columns } }

    /// As much of the beginning as takes at most so many columns.
    func prefix(columns: Int) -> String {
        var taken = 0
        return String(
            prefix {
                taken += $0.columns
                return taken <= columns
            })
    }
}

extension Character {
    /// The columns of its first scalar; the others stand on it or are joined to it.
    var columns: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        let isPicture = scalar.properties.isEmojiPresentation || unicodeScalars.contains("\u{fe0f}")
        return isPicture || scalar.isWide ? 2 : 1
    }
}

extension Unicode.Scalar {
    /// East_Asian_Width W or F, by block.
    fileprivate var isWide: Bool {
        switch value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3,
            0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6,
            0x1f300...0x1faff, 0x20000...0x3fffd:
            true
        default: false
        }
    }
}
