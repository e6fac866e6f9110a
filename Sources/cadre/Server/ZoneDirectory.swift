import Coordination
import Foundation

/// The time zone database of this machine.
struct ZoneDirectory: Sendable {
    private let path: String

    /// A database of TZif files, one a zone.
    init(path: String = "/usr/share/zoneinfo") { self.path = path }

    /// The zone of that name; `nil` when there is none, or its file cannot be read.
    func zone(_ name: String) -> TimeZoneTable? {
        guard Self.isName(name), let data = FileManager.default.contents(atPath: "\(path)/\(name)")
        else { return nil }
        return try? TimeZoneTable(name: name, tzif: Array(data))
    }

    /// What lies beside the zones: copies of them, some of which count leap seconds (`right`) and so
    /// would be half a minute off, and names that mean another zone on each machine.
    private static let notZones: Set = ["posix", "right", "localtime", "posixrules", "Factory"]

    /// Names come from clients: they must not lead out of the directory.
    private static func isName(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 3 && !notZones.contains(String(parts[0]))
            && parts.allSatisfy { part in
                part.first?.isLetter == true
                    && part.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"),
                            UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                            UInt8(ascii: "-"), UInt8(ascii: "+"):
                            true
                        default: false
                        }
                    }
            }
    }
}
