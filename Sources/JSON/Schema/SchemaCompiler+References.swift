/// A `$ref` on its way to the schema it means.
struct SchemaReference {
    /// The schema it stands in.
    let node: Int
    /// As it is written.
    let target: String
    /// Where it stands.
    let pointer: String
}

/// Definitions, and references to them.
extension SchemaCompiler {
    mutating func definitions(_ value: JSONView, of index: Int) {
        guard index == 0, value.kind == .object else {
            fault(
                index == 0
                    ? "must be an object of schemas" : "definitions may stand at the root only")
            return
        }
        for member in value.members {
            place.push(member.name)
            definitions[member.nameBytes] = schema(member.value)
            place.pop()
        }
    }

    mutating func reference(_ value: JSONView, of index: Int) {
        guard let target = value.string else {
            fault("must be a string")
            return
        }
        references.append(SchemaReference(node: index, target: target, pointer: place.text))
    }

    /// Once all definitions are known.
    mutating func resolveReferences() {
        for reference in references {
            if let schema = schema(meantBy: reference.target) {
                nodes[reference.node].reference = schema
            } else {
                fault(
                    at: reference.pointer,
                    "refers to nothing here; write # or #/$defs/NAME of a definition at the root")
            }
        }
    }

    private func schema(meantBy target: String) -> Int? {
        if target == "#" { return 0 }
        let prefix = "#/$defs/".utf8
        guard target.utf8.starts(with: prefix) else { return nil }
        return definitions[Self.unescaped(target.utf8.dropFirst(prefix.count))[...]]
    }

    /// RFC 6901: `~0` is `~`, `~1` is `/`; any other `~` stands for itself.
    private static func unescaped(_ name: Substring.UTF8View) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = name
        while let byte = rest.popFirst() {
            switch (byte, rest.first) {
            case (UInt8(ascii: "~"), UInt8(ascii: "0")): bytes.append(UInt8(ascii: "~"))
            case (UInt8(ascii: "~"), UInt8(ascii: "1")): bytes.append(UInt8(ascii: "/"))
            default:
                bytes.append(byte)
                continue
            }
            rest.removeFirst()
        }
        return bytes
    }

    /// A schema that comes back to itself without going into the value would never end.
    mutating func refuseCircles() {
        let inCircles = nodes.inCircles
        guard let reference = references.first(where: { inCircles.contains($0.node) }) else {
            return
        }
        fault(at: reference.pointer, "leads back to itself without going into the value")
    }
}

extension [SchemaNode] {
    /// The schemas that a way through ``SchemaNode/inPlace`` leads back to, and those only such
    /// schemas lead to. What is not in there can be put in an order (Kahn 1962).
    var inCircles: Set<Int> {
        var leading: [Int: Int] = [:]
        for node in self {
            for next in node.inPlace { leading[next, default: 0] += 1 }
        }
        var ready = indices.filter { leading[$0] == nil }
        var left = Set(indices)
        while let node = ready.popLast() {
            left.remove(node)
            for next in self[node].inPlace {
                leading[next, default: 0] -= 1
                if leading[next] == 0 { ready.append(next) }
            }
        }
        return left
    }
}
