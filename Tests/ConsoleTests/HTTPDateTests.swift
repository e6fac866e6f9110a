import Testing

@testable import Console

@Suite struct HTTPDateTests {
    @Test(arguments: [
        (Int64(0), "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400_999, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_735_689_599_000, "Tue, 31 Dec 2024 23:59:59 GMT"),
        (4_107_542_400_000, "Mon, 01 Mar 2100 00:00:00 GMT"),
    ])
    func `a moment is written as HTTP wants it`(_ millis: Int64, _ text: String) {
        #expect(HTTPDate(wallMillis: millis).description == text)
    }
}
