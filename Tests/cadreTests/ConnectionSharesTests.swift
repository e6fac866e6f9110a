import Testing

@testable import cadre

@Suite struct ConnectionSharesTests {
    @Test func `a high limit takes nothing away`() {
        let shares = ConnectionShares(descriptors: 65_536)
        #expect(shares.calls == 10_000)
        #expect(shares.console == 1_000)
        #expect(!shares.isShort)
    }

    @Test(arguments: [256, 1_024, 4_096, 11_000])
    func `a low limit is shared so that both ports can refuse`(descriptors: Int) {
        let shares = ConnectionShares(descriptors: descriptors)
        #expect(shares.calls + shares.console + 128 <= descriptors)
        #expect(shares.console >= 16)
        #expect(shares.isShort)
    }

    @Test func `a limit below all sense still serves`() {
        #expect(ConnectionShares(descriptors: 10).calls == 14)
    }
}
