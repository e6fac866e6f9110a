import Foundation

/// The price path of the coins, as a function of the instant.
///
/// Each path is a sum of eight smooth noises with periods from one minute to eleven days and
/// amplitudes that grow with the square root of the period, as a random walk's do. So any instant
/// can be computed alone, and candles of every length, tickers and books agree by construction.
struct SimulatedPrices: Sendable {
    let hash: SeededHash

    /// The highest and lowest prices of candles are looked for at multiples of this, and at the
    /// candle's ends.
    static let sampleMillis: Int64 = 30_000

    /// The price in units of the coin's last decimal, at least 1.
    func ticks(_ coin: SimulatedCoin, _ millis: Int64) -> Int64 {
        let price = coin.launchPrice * launchCurve(coin, millis) * walk(coin, millis)
        return max(1, Int64((price * powerOfTen(coin.priceScale)).rounded()))
    }

    /// A new coin rises steeply, peaks at five times its first price after twenty minutes, and
    /// settles at two and a half times within some hours.
    private func launchCurve(_ coin: SimulatedCoin, _ millis: Int64) -> Double {
        let hours = Double(millis - (coin.opening ?? millis)) / Double(UTCInstant.millisPerHour)
        let spike = 3 * hours
        return 1 + 1.5 * hours / (hours + 0.5) + (spike < 40 ? 3.4 * spike * exp(1 - spike) : 0)
    }

    private func walk(_ coin: SimulatedCoin, _ millis: Int64) -> Double {
        var exponent = 0.0
        var period: Int64 = 60_000
        var amplitude = 0.0016
        for octave in 0..<8 {
            exponent += amplitude * noise(coin, millis, period, UInt64(octave))
            period *= 4
            amplitude *= 2
        }
        return exp(exponent)
    }

    /// Between -1 and 1: random values at multiples of the period, joined by smooth steps.
    private func noise(
        _ coin: SimulatedCoin, _ millis: Int64, _ period: Int64, _ octave: UInt64
    ) -> Double {
        let place = millis / period
        let share = Double(millis % period) / Double(period)
        let smooth = share * share * (3 - 2 * share)
        let a = value(coin, place, octave)
        return a + (value(coin, place + 1, octave) - a) * smooth
    }

    private func value(_ coin: SimulatedCoin, _ place: Int64, _ octave: UInt64) -> Double {
        2 * hash.unit(coin.serial &* 0x1_0000_0001 &+ UInt64(bitPattern: place), 100 &+ octave) - 1
    }

    /// The coin's volume between two instants, in the coin.
    func volume(_ coin: SimulatedCoin, _ from: Int64, _ to: Int64) -> Double {
        var sum = 0.0
        var start = from
        while start < to {
            let hour = start / UTCInstant.millisPerHour
            let end = min(to, (hour + 1) * UTCInstant.millisPerHour)
            let perHour = 0.2 + 1.6 * hash.unit(coin.serial, 1_000 &+ UInt64(bitPattern: hour))
            sum += perHour * Double(end - start) / Double(UTCInstant.millisPerHour)
            start = end
        }
        // About 20,000 USDT an hour at the launch price.
        return sum * 20_000 / coin.launchPrice
    }
}

/// The candles and books that follow from the prices.
extension SimulatedPrices {
    /// What trade between two instants comes to; prices in units of the coin's last decimal.
    struct Span: Sendable, Hashable {
        var open: Int64
        var high: Int64
        var low: Int64
        var close: Int64
        var volume: Double
        var quoteVolume: Double
    }

    /// Trade from `from` to `to`; both must be after the opening.
    func span(_ coin: SimulatedCoin, _ from: Int64, _ to: Int64) -> Span {
        let open = ticks(coin, from)
        let close = ticks(coin, to)
        var (high, low) = (max(open, close), min(open, close))
        let step = SimulatedPrices.sampleMillis
        var sample = (from / step + 1) * step
        while sample < to {
            let price = ticks(coin, sample)
            high = max(high, price)
            low = min(low, price)
            sample += step
        }
        let volume = volume(coin, from, to)
        let mean = Double(open + close) / 2 / powerOfTen(coin.priceScale)
        return Span(
            open: open, high: high, low: low, close: close, volume: volume,
            quoteVolume: volume * mean)
    }

    /// The book around the price: `limit` levels a side, one tick apart or a little more.
    func book(
        _ coin: SimulatedCoin, _ millis: Int64, limit: Int
    ) -> (bids: [(ticks: Int64, quantity: Double)], asks: [(ticks: Int64, quantity: Double)]) {
        let price = ticks(coin, millis)
        let step = max(1, price / 5_000)
        let second = UInt64(bitPattern: millis / 1_000)
        func level(_ number: Int, _ side: Int64) -> (ticks: Int64, quantity: Double)? {
            let ticks = price + side * step * Int64(number + 1)
            let share = hash.unit(
                coin.serial ^ second, 500 &+ UInt64(number * 2 + (side > 0 ? 1 : 0)))
            return ticks > 0 ? (ticks, (10 + 990 * share) / coin.launchPrice) : nil
        }
        return (
            (0..<limit).compactMap { level($0, -1) }, (0..<limit).compactMap { level($0, 1) }
        )
    }
}

/// Ten to the power `exponent`, 0 to 18.
func powerOfTen(_ exponent: Int) -> Double {
    (0..<max(0, exponent)).reduce(1.0) { value, _ in value * 10 }
}

/// A whole number of units of the `scale`-th decimal as a decimal number.
func decimalText(_ units: Int64, scale: Int) -> String {
    guard scale > 0 else { return String(units) }
    let digits = String(units.magnitude)
    let padded = String(repeating: "0", count: max(0, scale + 1 - digits.utf8.count)) + digits
    return (units < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
}
