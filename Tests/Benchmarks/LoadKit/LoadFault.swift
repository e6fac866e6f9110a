/// Why the load could not be put on.
public struct LoadFault: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }

    /// The number that an option was given.
    ///
    /// - Throws: ``LoadFault`` that names the option, when it is none or out of range.
    public static func number(
        _ option: String, _ value: String, _ range: ClosedRange<Int>
    ) throws(LoadFault) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw LoadFault("\(option) is \(value); it takes a number in \(range)")
        }
        return number
    }
}
