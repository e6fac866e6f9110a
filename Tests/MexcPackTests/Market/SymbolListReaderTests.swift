import Coordination
import Testing

@testable import MexcPack

private let entry =
    #"{"id":"p1","cd":"c1","vn":"FRAG","fn":"Fragmetric","sts":2,"st":2,"tt":4,"#
    + #""ot":1751290200000,"ps":5,"qs":2,"ca":"0x1","cp":["mc-trade-zone-ai"],"tp":"NEW"}"#

struct SymbolListReaderTests {
    @Test(arguments: [
        "[\(entry)]", #"{"data":{"symbols":{"USDC":[],"USDT":[\#(entry)]}},"code":0}"#,
        #"{"data":{"USDT":[\#(entry)]}}"#,
    ])
    func `the same entry is read from all three shapes`(text: String) throws {
        let list = try SymbolListReader.read(Array(text.utf8), quote: "USDT")
        let record = try #require(list.records.first)
        #expect(record.vcoinID == "c1" && record.pairID == "p1" && record.ticker == "FRAG")
        #expect(record.triple == .ready && record.openMillis == 1_751_290_200_000)
        #expect(record.zones == ["mc-trade-zone-ai"] && record.contractAddress == "0x1")
        #expect(record.unknownFields == ["fot"])
    }

    @Test func `what an entry does not say, or says in another kind, stays unknown`() throws {
        let text = listText(
            #"{"id":"p","cd":"c","vn":"OLD","sts":2,"ps":"5","ot":"soon","ca":null,"st":2.5}"#)
        let record = try #require(try SymbolListReader.read(text, quote: "USDT").records.first)
        #expect(record.status == 2)
        #expect(
            record.unknownFields == [
                "fn", "st", "tt", "ot", "fot", "ps", "qs", "ca", "cp", "tp",
            ])
    }

    @Test func `entries that do not say which coin they are are counted, not guessed`() throws {
        let long = String(repeating: "c", count: 65)
        let text = listText(
            entry, #"{"id":"p2","vn":"B","sts":2}"#, #"{"cd":"\#(long)","sts":2}"#, "7", "null")
        let list = try SymbolListReader.read(text, quote: "USDT")
        #expect(list.records.count == 1 && list.unidentified == 4)
    }

    @Test func `an entry with a coin id is reported, whatever else it lacks`() throws {
        let text = listText(#"{"cd":"c2","sts":2,"ot":1751290200000}"#)
        let record = try #require(try SymbolListReader.read(text, quote: "USDT").records.first)
        #expect(record.vcoinID == "c2" && record.ticker == "c2" && record.pairID.isEmpty)
        #expect(record.unknownFields.prefix(3) == ["id", "vn", "fn"])
    }

    @Test(arguments: [0, 1_751_290_200, 1_751_290_200_000_000, Int64.max, .min])
    func `an opening time that cannot be is unknown and counted`(time: Int64) throws {
        let text = listText(entry, #"{"id":"p","cd":"c","vn":"A","sts":2,"ot":\#(time)}"#)
        let list = try SymbolListReader.read(text, quote: "USDT")
        #expect(list.records[1].openMillis == nil && list.implausibleTimes == 1)
    }

    @Test func `texts are cut at their limits, between scalars`() throws {
        let name = String(repeating: "é", count: 100_000)
        let text = listText(
            #"{"id":"p","cd":"c","vn":"\#(name)","fn":"\#(name)","sts":2,"ca":"\#(name)","#
                + #""cp":[\#(Array(repeating: "\"\(name)\"", count: 12).joined(separator: ","))]}"#)
        let record = try #require(try SymbolListReader.read(text, quote: "USDT").records.first)
        #expect(record.name?.utf8.count ?? 0 <= TextLimit.name)
        #expect(record.name == String(repeating: "é", count: 38) + "…")
        #expect(record.ticker.utf8.count <= TextLimit.ticker)
        #expect(record.contractAddress?.utf8.count ?? 0 <= TextLimit.contract)
        #expect(record.zones?.count == TextLimit.zones)
        #expect("abc".cut(toBytes: 3) == "abc" && "abcd".cut(toBytes: 3) == "…")
    }

    @Test(arguments: [
        "7", "{}", #"{"data":[]}"#, #"{"data":{"x":1}}"#, "[]", "[1,2]",
        #"{"data":{"symbols":{}}}"#,
        #"[{"symbol":"BTCUSDT","price":"1"}]"#, #"[{"id":"p","cd":"c","vn":"A"}]"#,
        #"[{"id":"p","vn":"A","sts":2}]"#,
    ])
    func `JSON of another shape is refused as foreign`(text: String) {
        #expect {
            try SymbolListReader.read(Array(text.utf8), quote: "USDT")
        } throws: { error in
            if case SymbolListReader.Fault.foreign = error { true } else { false }
        }
    }

    @Test func `a quote currency that is not there is told apart from an empty list`() async {
        let text = Array(#"{"data":{"symbols":{"USDC":[\#(entry)],"EUR":[\#(entry)]}}}"#.utf8)
        let failure = await failure(of: {
            try await ReplayMarket(text: text, name: "list", now: noon).symbols(quote: "BTC")
        })
        #expect(failure?.type == "unknown_quote" && failure?.retryable == false)
        #expect(failure?.message.contains("EUR, USDC") == true)
    }

    @Test func `a list that is cut off anywhere is refused with the place`() {
        let whole = Array("[\(entry),\(entry)]\n".utf8)
        for size in 0..<whole.count - 1 {
            let text = Array(whole.prefix(size))
            let failure = #expect(throws: StepFailure.self) {
                try ReplayMarket(text: text, name: "list.json", now: noon)
            }
            #expect(failure?.type == "replay_unreadable")
            #expect(failure?.message.contains("byte ") == true, "cut at \(size)")
            #expect(failure?.message.contains("(\(size) bytes)") == true)
        }
    }

    @Test func `a file that is not there says which and what to do`() {
        let failure = #expect(throws: StepFailure.self) {
            try ReplayMarket(path: "/nowhere/list.json", now: noon)
        }
        #expect(failure?.type == "replay_unreadable")
        #expect(failure?.message.contains("/nowhere/list.json") == true)
    }

    @Test(arguments: ["/", "/dev/null"])
    func `what is no regular file is refused as that`(path: String) {
        let failure = #expect(throws: StepFailure.self) { try ReplayMarket(path: path, now: noon) }
        #expect(failure?.type == "replay_unreadable")
        #expect(failure?.message.contains("\(path) is no regular file") == true)
    }
}
