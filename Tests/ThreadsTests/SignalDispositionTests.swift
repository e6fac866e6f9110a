import Foundation
import Testing
import Threads

@Suite struct SignalDispositionTests {
    @Test func `it sees what is ignored, and leaves it as it was`() {
        // Ignored or not, a window's new size means nothing to a test.
        for _ in 1...2 { #expect(!SignalDisposition.isIgnored(SIGWINCH)) }
        signal(SIGWINCH, SIG_IGN)
        for _ in 1...2 { #expect(SignalDisposition.isIgnored(SIGWINCH)) }
        signal(SIGWINCH, SIG_DFL)
        #expect(!SignalDisposition.isIgnored(SIGWINCH))
    }
}
