import Coordination
import Testing

@testable import Engine

/// Names that look alike are two names, and do not meet in a table.
@Suite struct NameHashTests {
    private static let alike = (0..<1_024).map { number -> String in
        let letters = (0..<10).map { number >> $0 & 1 == 0 ? "\u{e9}" : "e\u{301}" }
        return letters.joined()
    }

    private func expectApart<Name: Hashable>(_ make: (String) -> Name) {
        let names = Self.alike.map(make)
        #expect(Set(names).count == names.count)
        #expect(Set(names.map(\.hashValue)).count == names.count)
    }

    @Test func `many names that look alike do not meet`() {
        expectApart { ScopedName(namespace: .default, name: $0) }
        expectApart { SubscriptionName(namespace: .default, name: $0) }
        expectApart { EntityName(kind: 1, namespace: "", key: $0) }
        let batch = ScopedName(namespace: .default, name: "b")
        expectApart { ItemName(batch: batch, requestID: $0) }
    }
}
