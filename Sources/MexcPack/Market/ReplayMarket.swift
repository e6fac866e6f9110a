import Coordination
import Foundation
import JSON

/// A recorded web symbol list, looked at from a fixed instant.
///
/// The file is read and checked once, when the market is opened. It holds no calendar, prices or
/// candles; asking for them fails with `not_recorded`.
struct ReplayMarket: MarketData {
    let source: MarketSource
    private let instant: UTCInstant
    private let text: [UInt8]

    /// Reads a file that holds a symbol list in any of the shapes of ``SymbolListReader``.
    init(path: String, now: UTCInstant) throws(StepFailure) {
        try self.init(text: ReplayMarket.contents(of: path), name: path, now: now)
    }

    /// Takes the text of a list as it is; `name` is used in messages.
    init(text: [UInt8], name: String, now: UTCInstant) throws(StepFailure) {
        source = MarketSource(kind: .replay, name: name)
        instant = now
        self.text = text
        do {
            _ = try SymbolListReader.read(text, quote: SymbolListReader.bareListQuote)
        } catch .noSuchQuote {
            // A list quoted in something else is a good list.
        } catch { throw failure(error, quote: SymbolListReader.bareListQuote) }
    }

    func now() async throws(StepFailure) -> UTCInstant { instant }

    func symbols(quote: String) async throws(StepFailure) -> SymbolList {
        do { return try SymbolListReader.read(text, quote: quote) } catch {
            throw failure(error, quote: quote)
        }
    }

    func calendar(at now: UTCInstant) async throws(StepFailure) -> NewCoinCalendar {
        throw MarketFailure.notRecorded("calendar", in: source.name)
    }

    func exchangeInfo(symbol: String) async throws(StepFailure) -> ExchangeSymbol {
        throw MarketFailure.notRecorded("trading rules", in: source.name)
    }

    func klines(_ query: KlineQuery) async throws(StepFailure) -> [Candle] {
        throw MarketFailure.notRecorded("candles", in: source.name)
    }

    func ticker(symbol: String) async throws(StepFailure) -> Ticker {
        throw MarketFailure.notRecorded("prices", in: source.name)
    }

    func depth(symbol: String, limit: Int) async throws(StepFailure) -> OrderBook {
        throw MarketFailure.notRecorded("order book", in: source.name)
    }

    private func failure(_ fault: SymbolListReader.Fault, quote: String) -> StepFailure {
        let why: String
        switch fault {
        case .noSuchQuote(let available):
            return MarketFailure.unknownQuote(quote, available: available, in: source.name)
        case .notJSON(let error): why = "is no complete JSON at \(error)"
        case .foreign(let found): why = "is not a web symbol list: it is \(found)"
        }
        return Self.unreadable(
            "the file \(source.name) (\(text.count) bytes) \(why). Give a complete recording of "
                + "/api/platform/spot/market-v2/web/symbolsV2 with --market replay:FILE.")
    }

    private static func contents(of path: String) throws(StepFailure) -> [UInt8] {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            // A pipe or a device may have no end.
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw unreadable("\(path) is no regular file. Give a recorded symbol list.")
            }
            let size = attributes[.size] as? Int ?? 0
            guard size <= SymbolListReader.maxBytes else {
                throw unreadable(
                    "the file \(path) has \(size) bytes; a symbol list has at most "
                        + "\(SymbolListReader.maxBytes). Give a recorded symbol list.")
            }
            return [UInt8](try Data(contentsOf: file))
        } catch let failure as StepFailure {
            throw failure
        } catch {
            throw unreadable(
                "the file \(path) cannot be read: \(reason(error)). Check the path "
                    + "after --market replay: and its permissions.")
        }
    }

    /// The system's words; those around them repeat that a file cannot be read.
    private static func reason(_ error: any Error) -> String {
        let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
        return ((cause ?? error) as NSError).localizedFailureReason ?? error.localizedDescription
    }

    private static func unreadable(_ message: String) -> StepFailure {
        StepFailure(type: "replay_unreadable", message: message, retryable: false)
    }
}
