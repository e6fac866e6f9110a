import Coordination
import Testing

@Suite struct TimeZoneTableTests {
    @Test func `offsets are those that Python's zoneinfo reads from the same files`() throws {
        #expect(SampledZone.all.count == 13)
        var samples = 0
        for zone in SampledZone.all {
            let table = try TimeZoneTable(name: zone.name, tzif: zone.tzif)
            for (instant, offset) in zone.samples {
                #expect(table.offset(at: instant) == offset, "\(zone.name) at \(instant)")
                samples += 1
            }
        }
        #expect(samples > 2_000)
    }

    @Test func `damaged files are refused or read, never more`() throws {
        let whole = try #require(SampledZone.all.first { $0.name == "America/New_York" }).tzif
        var state: UInt64 = 5
        for _ in 0..<300 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var bytes = whole
            bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
            if state >> 60 == 0 { bytes.removeLast(Int(state >> 33) % bytes.count) }
            _ = try? TimeZoneTable(name: "x", tzif: bytes)
        }
        #expect(throws: CodecError.self) { try TimeZoneTable(name: "x", tzif: []) }
        #expect(throws: CodecError.self) { try TimeZoneTable(name: "x", tzif: Array("TZif".utf8)) }
    }
}
