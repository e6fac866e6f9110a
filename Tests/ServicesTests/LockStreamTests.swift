import Testing

@testable import Services

struct LockStreamTests {
    @Test func `a warning comes before the end of the lease, however long ago it began`() {
        #expect(LockStream.warning(lease: 3_000, left: 3_000, wished: 0) == (2_000, 1_000))
        #expect(LockStream.warning(lease: 3_000, left: 3_000, wished: 200) == (2_800, 200))
        // The stream goes on with what an earlier one was granted.
        #expect(LockStream.warning(lease: 3_000, left: 1_500, wished: 0) == (500, 1_000))
        #expect(LockStream.warning(lease: 3_000, left: 700, wished: 0) == (0, 700))
        #expect(LockStream.warning(lease: 3_000, left: -5, wished: 200) == (0, 0))
        // Clocks may differ by a little.
        #expect(LockStream.warning(lease: 3_000, left: 3_001, wished: 200) == (2_800, 200))
    }
}
