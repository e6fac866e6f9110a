import Testing
import Threads

@Suite struct DescriptorLimitTests {
    @Test func `the limit is raised once and stays`() {
        let raised = DescriptorLimit.raise()
        #expect(raised >= 256)
        #expect(DescriptorLimit.raise() == raised)
    }
}
