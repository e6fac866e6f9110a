/// Checks one value against a schema and gathers what is wrong.
///
/// Whatever costs more than a glance is paid for before it is done, each time: a schema can lead to
/// the same long text thousands of times.
struct SchemaCheck {
    let nodes: [SchemaNode]
    private(set) var faults: [JSONFault] = []
    var place = PointerSteps()
    private var work: Int
    private var depth = 0
    /// The canonical form that was made last: several schemas often compare the same value.
    private var canonical: (index: Int, bytes: [UInt8])?
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

    var isLoud: Bool { quiet == 0 && faults.count < JSONSchema.maxFaults && work >= 0 }

    /// Whether the budget is spent.
    var isSpent: Bool { work < 0 }

    mutating func pay(_ units: Int) -> Bool {
        work -= units
        return work >= 0
    }

    /// Ends the check: nothing fits any more, and the reason is the last fault.
    mutating func giveUp() -> Bool {
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
    mutating func fault(_ message: @autoclosure () -> String) -> Bool {
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
        let fits: Bool
        switch view.kind {
        case .null: fits = types.contains(.null)
        case .bool: fits = types.contains(.boolean)
        case .string: fits = types.contains(.string)
        case .array: fits = types.contains(.array)
        case .object: fits = types.contains(.object)
        case .number where types.isDisjoint(with: [.number, .integer]): fits = false
        case .number where types.contains(.number): fits = true
        case .number:
            guard pay(view.rawBytes.count / 8) else { return giveUp() }
            fits = hasNoFraction(view.rawBytes)
        }
        return fits || fault("is \(view.kind.phrase); must be \(types.phrase)")
    }

    private mutating func checkChoices(_ view: JSONView, _ node: SchemaNode) -> Bool {
        var fits = true
        for choices in node.choices {
            guard let isThere = isAmong(choices, view) else { return giveUp() }
            if !isThere { fits = fault("must be \(choices.shown)") }
        }
        return fits
    }

    /// Whether the value is one of the choices; `nil` when finding out takes too much work.
    private mutating func isAmong(_ choices: SchemaNode.Choices, _ view: JSONView) -> Bool? {
        guard let canonical = canonicalForm(of: view) else { return nil }
        if canonical.count > choices.maxBytes { return false }
        return pay(canonical.count / 8) ? choices.texts.contains(canonical) : nil
    }

    private mutating func canonicalForm(of view: JSONView) -> [UInt8]? {
        if let canonical, canonical.index == view.index { return canonical.bytes }
        guard pay(view.canonicalWork) else { return nil }
        let bytes = view.canonicalBytes
        canonical = (view.index, bytes)
        return bytes
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
