/// Checks one value against a schema and gathers what is wrong.
struct SchemaCheck {
    private let nodes: [SchemaNode]
    private(set) var faults: [JSONFault] = []
    private var place = PointerSteps()
    private var work: Int
    private var depth = 0
    /// Above 0 inside alternatives, whose faults are none of the value's.
    private var quiet = 0

    /// Frames of ``check(_:against:)``: a value nests at most 128 deep, most contracts add little.
    private static let maxDepth = 400

    init(_ schema: JSONSchema, maxWork: Int) {
        nodes = schema.nodes
        work = maxWork
    }

    /// Whether the value fits; the whole is given up when it takes too much work.
    mutating func check(_ view: JSONView, against index: Int) -> Bool {
        guard pay(1), depth < Self.maxDepth else { return giveUp() }
        depth += 1
        defer { depth -= 1 }
        let node = nodes[index]
        if let verdict = node.verdict {
            return verdict || fault("must not be here: the schema is false")
        }
        var fits = checkKind(view, node)
        // Once known not to fit, an alternative needs no more faults.
        if fits || isLoud { fits = checkChoices(view, node) && fits }
        if fits || isLoud { fits = checkContent(view, node) && fits }
        if fits || isLoud { fits = checkTogether(view, node) && fits }
        return fits
    }

    // MARK: Bookkeeping

    private var isLoud: Bool { quiet == 0 && faults.count < JSONSchema.maxFaults && work >= 0 }

    private mutating func pay(_ units: Int) -> Bool {
        work -= units
        return work >= 0
    }

    /// Ends the check: nothing fits any more, and the reason is the last fault.
    private mutating func giveUp() -> Bool {
        if work > Int.min / 2 {
            work = .min / 2
            faults.append(
                JSONFault(
                    pointer: place.text,
                    message: "checking the value takes too much work; make it smaller, or the "
                        + "schema simpler"))
        }
        return false
    }

    /// Always false, for `return`.
    private mutating func fault(_ message: @autoclosure () -> String) -> Bool {
        if isLoud { faults.append(JSONFault(pointer: place.text, message: message())) }
        return false
    }

    /// Whether the value fits, without faults of its own.
    private mutating func fits(_ view: JSONView, _ index: Int) -> Bool {
        quiet += 1
        defer { quiet -= 1 }
        return check(view, against: index)
    }

    // MARK: The value itself

    private mutating func checkKind(_ view: JSONView, _ node: SchemaNode) -> Bool {
        guard let types = node.types else { return true }
        let fits =
            switch view.kind {
            case .null: types.contains(.null)
            case .bool: types.contains(.boolean)
            case .string: types.contains(.string)
            case .array: types.contains(.array)
            case .object: types.contains(.object)
            case .number:
                types.contains(.number)
                    || types.contains(.integer) && DecimalText(view.rawBytes).isInteger
            }
        if fits { return true }
        let names = SchemaNode.Types.names.filter { types.contains($0.1) }.map(\.0)
        return fault("is \(view.kind.phrase); must be \(names.joined(separator: " or "))")
    }

    private mutating func checkChoices(_ view: JSONView, _ node: SchemaNode) -> Bool {
        var fits = true
        for choices in node.choices {
            guard pay(view.rawBytes.count / 8) else { return giveUp() }
            if choices.texts.contains(view.canonicalBytes) { continue }
            fits = fault("must be \(choices.shown)")
        }
        return fits
    }

    private mutating func checkContent(_ view: JSONView, _ node: SchemaNode) -> Bool {
        switch view.kind {
        case .number: return checkNumber(view, node)
        case .string: return checkString(view, node)
        case .array: return checkArray(view, node)
        case .object: return checkObject(view, node)
        case .null, .bool: return true
        }
    }

    private mutating func checkNumber(_ view: JSONView, _ node: SchemaNode) -> Bool {
        guard
            node.minimum != nil || node.maximum != nil || node.exclusiveMinimum != nil
                || node.exclusiveMaximum != nil
        else { return true }
        guard pay(view.rawBytes.count / 8) else { return giveUp() }
        let number = DecimalText(view.rawBytes)
        var fits = true
        if let bound = node.minimum, number.compare(bound.number) < 0 {
            fits = fault("must be at least \(bound.text)")
        }
        if let bound = node.maximum, number.compare(bound.number) > 0 {
            fits = fault("must be at most \(bound.text)")
        }
        if let bound = node.exclusiveMinimum, number.compare(bound.number) <= 0 {
            fits = fault("must be more than \(bound.text)")
        }
        if let bound = node.exclusiveMaximum, number.compare(bound.number) >= 0 {
            fits = fault("must be less than \(bound.text)")
        }
        return fits
    }

    private mutating func checkString(_ view: JSONView, _ node: SchemaNode) -> Bool {
        guard node.lengths.min != nil || node.lengths.max != nil else { return true }
        guard pay(view.rawBytes.count / 8) else { return giveUp() }
        let problem = node.lengths.fault(of: view.scalarCount, "characters")
        return problem.map { fault($0) } ?? true
    }

    // MARK: Arrays and objects

    private mutating func checkArray(_ view: JSONView, _ node: SchemaNode) -> Bool {
        var fits = node.items.fault(of: view.count, "elements").map { fault($0) } ?? true
        if node.hasUniqueItems { fits = checkUnique(view) && fits }
        if node.prefixItems.isEmpty && node.restItems == nil { return fits }
        for (index, element) in view.elements.enumerated() {
            guard fits || isLoud else { return false }
            let isFirst = index < node.prefixItems.count
            guard let schema = isFirst ? node.prefixItems[index] : node.restItems else { break }
            place.push(index)
            fits = check(element, against: schema) && fits
            place.pop()
        }
        return fits
    }

    private mutating func checkUnique(_ view: JSONView) -> Bool {
        guard pay(view.rawBytes.count / 8 + view.count) else { return giveUp() }
        var seen: [[UInt8]: Int] = [:]
        for (index, element) in view.elements.enumerated() {
            if let first = seen.updateValue(index, forKey: element.canonicalBytes) {
                return fault("elements \(first) and \(index) are equal; all must differ")
            }
        }
        return true
    }

    private mutating func checkObject(_ view: JSONView, _ node: SchemaNode) -> Bool {
        var fits = node.members.fault(of: view.count, "members").map { fault($0) } ?? true
        if node.names.isEmpty && node.additional == nil { return fits }
        var isThere = [Bool](repeating: false, count: node.required.count)
        for member in view.members {
            guard fits || isLoud, pay(1) else { return work < 0 ? giveUp() : false }
            let known = node.names[member.nameBytes]
            if let required = known?.required { isThere[required] = true }
            guard let schema = known?.schema ?? node.additional else { continue }
            place.push(member.name)
            if known?.schema == nil && nodes[schema].verdict == false {
                fits = fault("is not among the members that may be here")
            } else {
                fits = check(member.value, against: schema) && fits
            }
            place.pop()
        }
        for (index, name) in node.required.enumerated() where !isThere[index] {
            fits = fault("lacks the member \(name)")
        }
        return fits
    }

    // MARK: Schemas for the same value

    private mutating func checkTogether(_ view: JSONView, _ node: SchemaNode) -> Bool {
        var fits = true
        if let reference = node.reference { fits = check(view, against: reference) }
        for part in node.allOf where fits || isLoud { fits = check(view, against: part) && fits }
        if !node.anyOf.isEmpty && (fits || isLoud) { fits = checkAny(view, node.anyOf) && fits }
        if !node.oneOf.isEmpty && (fits || isLoud) { fits = checkOne(view, node.oneOf) && fits }
        if let not = node.not, fits || isLoud, self.fits(view, not) {
            fits = fault("must not fit the schema of not")
        }
        if let branch = node.branch, fits || isLoud {
            let schema = self.fits(view, branch.condition) ? branch.yes : branch.no
            if let schema { fits = check(view, against: schema) && fits }
        }
        // Given up inside an alternative that should not fit, the value would seem to fit.
        return fits && work >= 0
    }

    private mutating func checkAny(_ view: JSONView, _ parts: [Int]) -> Bool {
        // A single alternative explains itself.
        if parts.count == 1 { return check(view, against: parts[0]) }
        for part in parts where fits(view, part) { return true }
        return fault("fits none of the \(parts.count) schemas of anyOf")
    }

    private mutating func checkOne(_ view: JSONView, _ parts: [Int]) -> Bool {
        if parts.count == 1 { return check(view, against: parts[0]) }
        var fitting: [Int] = []
        for (index, part) in parts.enumerated() where fits(view, part) {
            fitting.append(index)
            if fitting.count > 1 {
                return fault(
                    "fits the schemas \(fitting[0]) and \(index) of oneOf; exactly one must")
            }
        }
        return !fitting.isEmpty || fault("fits none of the \(parts.count) schemas of oneOf")
    }
}

extension JSONView {
    /// How many Unicode scalars a string has.
    fileprivate var scalarCount: Int {
        if node.hasEscapes { return string?.unicodeScalars.count ?? 0 }
        return rawBytes.count { $0 & 0xC0 != 0x80 } - 2
    }
}

extension JSONView.Member {
    /// The name's bytes, escapes resolved.
    fileprivate var nameBytes: ArraySlice<UInt8> {
        if nameView.node.hasEscapes { return Array(name.utf8)[...] }
        return nameView.rawBytes.dropFirst().dropLast()
    }
}
