import Coordination

/// Reads what `pools` says: `TYPE=MIN..MAX`, then `,idle=SECONDS`, `,queue=CALLS`, `,slots=COUNT` in any
/// order; several types are set apart by semicolons.
enum PoolSettings {
    /// The policy of each type that is named.
    static func parse(_ text: String) throws(Settings.Fault) -> [String: PoolPolicy] {
        var policies: [String: PoolPolicy] = [:]
        for entry in text.split(separator: ";") {
            let parts = entry.split(separator: ",").map { $0.trimmed }
            guard let first = parts.first else { continue }
            let (type, range) = try pair(first)
            var policy = try self.policy(range, of: type)
            for part in parts.dropFirst() { try set(part, of: type, &policy) }
            if let fault = policy.faults.first {
                throw Settings.Fault(
                    description: "pools: \(type): \(fault.field) \(fault.description)")
            }
            guard policies.updateValue(policy, forKey: type) == nil else {
                throw Settings.Fault(description: "pools: \(type) is named twice")
            }
        }
        return policies
    }

    private static func policy(
        _ range: String, of type: String
    ) throws(Settings.Fault) -> PoolPolicy {
        let ends = range.split(separator: ".", omittingEmptySubsequences: true)
        guard ends.count == 2, range.contains(".."), let least = Int(ends[0]),
            let most = Int(ends[1])
        else {
            throw Settings.Fault(
                description: "pools: \(type)=\(range) is no range; write \(type)=1..4")
        }
        return PoolPolicy(minInstances: least, maxInstances: most)
    }

    private static func set(
        _ part: String, of type: String, _ policy: inout PoolPolicy
    ) throws(Settings.Fault) {
        let (name, text) = try pair(part)
        guard let number = Int(text), (0...1_000_000).contains(number) else {
            throw Settings.Fault(
                description: "pools: \(type): \(name)=\(text) is no whole number up to 1000000")
        }
        switch name {
        case "idle": policy.idleMillis = Int64(number) * 1_000
        case "queue": policy.maxWaiting = number
        case "slots": policy.slots = number
        default:
            throw Settings.Fault(
                description: "pools: \(type): there is no \(name); there are idle, queue, slots")
        }
    }

    private static func pair(_ part: String) throws(Settings.Fault) -> (String, String) {
        let sides = part.split(separator: "=", maxSplits: 1)
        guard sides.count == 2 else {
            throw Settings.Fault(
                description: "pools: \(part) is no setting; write mexc-api=1..4,idle=60")
        }
        return (sides[0].trimmed, sides[1].trimmed)
    }
}

extension Substring {
    /// Without the spaces around it.
    fileprivate var trimmed: String {
        var rest = self
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
