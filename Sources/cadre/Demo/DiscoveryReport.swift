import JSON

/// The result of `calendar-discovery` as a table for people.
struct DiscoveryReport {
    private let document: JSONDocument

    /// - Throws: when the result is not JSON.
    init(_ bytes: [UInt8]) throws(Failed) {
        do throws(JSONError) {
            document = try JSONDocument(parsing: bytes)
        } catch {
            throw Failed("the result of calendar-discovery is not JSON: \(error)")
        }
    }

    /// The listings, soonest first, and the totals below.
    var text: String {
        var table = TextTable(
            "SYMBOL", "NAME", "OPENS (UTC)", "NOTICE", "STATE", "URGENCY", "CONFIDENCE")
        for listing in document.root["listings"]?.elements.map({ $0 }) ?? [] {
            table.add(
                Self.cell(listing["symbol"]), Self.cell(listing["name"]),
                Self.cell(listing["open_time"]), Self.hours(listing["notice_hours"]),
                Self.cell(listing["state"]), Self.cell(listing["urgency"]),
                Self.cell(listing["confidence"]))
        }
        return table.text + "\n\n" + totals
    }

    private var totals: String {
        guard let totals = document.root["totals"] else { return "" }
        return totals.members.map { "\(Self.cell($0.value)) \(Self.words($0.name))" }
            .joined(separator: ", ")
    }

    private static func hours(_ view: JSONView?) -> String {
        let text = cell(view)
        return text == "-" ? text : "\(text) h"
    }

    private static func words(_ name: String) -> String {
        String(name.map { $0 == "_" ? " " : $0 })
    }

    private static func cell(_ view: JSONView?) -> String {
        guard let view, !view.isNull else { return "-" }
        return view.string ?? view.rawText
    }
}
