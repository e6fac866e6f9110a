import ArgumentParser

/// What holds for options of several verbs. What is wrong ends with the exit code for wrong usage.
enum OptionCheck {
    /// Refuses a number outside of a range.
    static func range<Number: BinaryInteger>(
        _ number: Number?, _ range: ClosedRange<Number>, _ option: String
    ) throws(ValidationError) {
        guard let number, !range.contains(number) else { return }
        let isOpen = Int64(range.upperBound) >= Int64(Int32.max)
        throw ValidationError(
            "\(option) is \(number); it is \(range.lowerBound) "
                + (isOpen ? "or more" : "to \(range.upperBound)"))
    }

    /// Refuses an id that is given and empty: a variable that nobody has set, whose call would then
    /// be made as if no id had been meant.
    static func id(_ id: String?, _ option: String) throws(ValidationError) {
        if id?.isEmpty == true {
            throw ValidationError("\(option) is empty; leave it out for none")
        }
    }
}
