extension String {
    /// Whether all bytes are the same.
    ///
    /// `==` holds for texts that look alike too, such as an accented letter in one piece and in two:
    /// names that come from outside are compared by their bytes, as the store does.
    public func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}
