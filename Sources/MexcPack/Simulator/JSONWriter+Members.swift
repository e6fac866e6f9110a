import JSON

extension JSONWriter {
    /// A member that is a text.
    mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    /// A member that is a whole number.
    mutating func member(_ name: String, _ value: Int64) {
        key(name)
        integer(value)
    }
}

/// A quantity of a coin, as text with the coin's decimals.
func quantityText(_ quantity: Double, _ coin: SimulatedCoin) -> String {
    let units = quantity * powerOfTen(coin.quantityScale)
    return decimalText(Int64(min(units.rounded(), 9e18)), scale: coin.quantityScale)
}
