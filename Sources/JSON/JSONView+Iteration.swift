extension JSONView {
    /// The elements of an array in order; empty for every other kind.
    public var elements: Elements { Elements(container: self) }

    /// The members of an object in order, repeated names included; empty for every other kind.
    public var members: Members { Members(container: self) }

    /// The elements of an array.
    public struct Elements: Sequence, Sendable {
        fileprivate let container: JSONView

        /// How many there are.
        public var underestimatedCount: Int { container.kind == .array ? container.count : 0 }

        /// Walks the index from element to element.
        public func makeIterator() -> Iterator {
            Iterator(
                document: container.document, left: underestimatedCount, index: container.index + 1)
        }

        /// Walks the elements of an array.
        public struct Iterator: IteratorProtocol {
            fileprivate let document: JSONDocument
            fileprivate var left: Int
            fileprivate var index: Int

            /// The next element, or `nil` after the last.
            public mutating func next() -> JSONView? {
                guard left > 0 else { return nil }
                left -= 1
                defer { index = Int(document.nodes[index].next) }
                return JSONView(document: document, index: index)
            }
        }
    }

    /// The members of an object.
    public struct Members: Sequence, Sendable {
        fileprivate let container: JSONView

        /// How many there are.
        public var underestimatedCount: Int { container.kind == .object ? container.count : 0 }

        /// Walks the index from member to member.
        public func makeIterator() -> Iterator {
            Iterator(
                document: container.document, left: underestimatedCount, index: container.index + 1)
        }

        /// Walks the members of an object.
        public struct Iterator: IteratorProtocol {
            fileprivate let document: JSONDocument
            fileprivate var left: Int
            fileprivate var index: Int

            /// The next member, or `nil` after the last.
            public mutating func next() -> Member? {
                guard left > 0 else { return nil }
                left -= 1
                let key = index
                index = Int(document.nodes[key + 1].next)
                return Member(
                    nameView: JSONView(document: document, index: key),
                    value: JSONView(document: document, index: key + 1))
            }
        }
    }

    /// One member of an object.
    public struct Member: Sendable {
        let nameView: JSONView
        /// The member's value.
        public let value: JSONView

        /// The member's name, escapes resolved.
        public var name: String {
            // A member name is always a string.
            nameView.string ?? ""
        }

        /// Whether the name is this one, byte for byte (no Unicode normalisation); allocates only
        /// for names written with escapes.
        public func isNamed(_ candidate: String) -> Bool {
            nameView.document.isString(nameView.node, equalTo: candidate.utf8.span)
        }
    }
}
