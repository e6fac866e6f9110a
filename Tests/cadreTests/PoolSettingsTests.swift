import Coordination
import Testing

@testable import cadre

struct PoolSettingsTests {
    @Test func `pools are read with their settings`() throws {
        let pools = try PoolSettings.parse("mexc-api=1..4, idle=60, queue=7; calendar=0..2,slots=8")
        #expect(pools["mexc-api"] == PoolPolicy(minInstances: 1, maxInstances: 4, maxWaiting: 7))
        #expect(pools["calendar"] == PoolPolicy(minInstances: 0, maxInstances: 2, slots: 8))
        #expect(try PoolSettings.parse("").isEmpty)
    }

    @Test(
        arguments: [
            ("mexc-api", "no setting"), ("mexc-api=4", "no range"),
            ("mexc-api=4..1", "min_instances"),
            ("mexc-api=1..4,idle=soon", "no whole number"), ("mexc-api=1..4,size=3", "no size"),
            ("mexc-api=1..2;mexc-api=1..2", "twice"), ("mexc-api=0..0", "max_instances"),
        ])
    func `another text is refused with the reason`(_ text: String, _ reason: String) {
        do throws(Settings.Fault) {
            _ = try PoolSettings.parse(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.description.contains(reason), "\(error)")
        }
    }
}
