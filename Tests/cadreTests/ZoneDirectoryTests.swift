import Testing

@testable import cadre

@Suite struct ZoneDirectoryTests {
    @Test(arguments: [
        "", "..", "../etc/passwd", "/etc/passwd", "Europe//Berlin", "a/b/c/d", "Zone.tab",
        "posix/Europe/Berlin", "right/Europe/Berlin", "localtime",
    ])
    func `names that could lead elsewhere are no zones`(name: String) {
        #expect(ZoneDirectory().zone(name) == nil)
    }
}
