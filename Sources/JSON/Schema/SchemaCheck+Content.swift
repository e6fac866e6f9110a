/// What a schema says of the value itself, by its kind.
extension SchemaCheck {
    mutating func checkContent(_ view: JSONView, _ node: SchemaNode) -> Bool {
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
        guard pay(view.canonicalWork) else { return giveUp() }
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
        guard pay(node.required.count) else { return giveUp() }
        var isThere = [Bool](repeating: false, count: node.required.count)
        for member in view.members {
            guard fits || isLoud, pay(1 + member.nameView.rawBytes.count / 8) else {
                return isSpent ? giveUp() : false
            }
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
}

extension JSONView {
    /// How many Unicode scalars a string has.
    fileprivate var scalarCount: Int {
        if node.hasEscapes { return string?.unicodeScalars.count ?? 0 }
        return rawBytes.count { $0 & 0xC0 != 0x80 } - 2
    }
}
