/// Who is asked, and how the answers become one.
public struct BallotSpec: Sendable, Hashable {
    /// One who is asked, or all instances of a type.
    public struct Voter: Sendable, Hashable {
        /// Empty: the agent's id, or its type.
        public var name: String
        public var agentType: String
        /// One instance in particular; empty: the least loaded one.
        public var agentID: String
        /// Stands for every instance that is alive.
        public var isEveryInstance: Bool
        /// Over 0 to 1,000.
        public var weight: Double
        /// Empty: the ballot's.
        public var operation: String

        /// Combines the parts.
        public init(
            name: String = "", agentType: String, agentID: String = "",
            isEveryInstance: Bool = false, weight: Double = 1, operation: String = ""
        ) {
            self.name = name
            self.agentType = agentType
            self.agentID = agentID
            self.isEveryInstance = isEveryInstance
            self.weight = weight
            self.operation = operation
        }

        /// What it is called when it is one voter.
        public var label: String {
            if !name.isEmpty { return name }
            return agentID.isEmpty ? agentType : agentID
        }
    }

    /// Who is asked.
    public var voters: [Voter]
    /// By what it is decided.
    public var rules: BallotRules

    /// Combines the parts.
    public init(voters: [Voter], rules: BallotRules = BallotRules()) {
        self.voters = voters
        self.rules = rules
    }

    /// Everything that is wrong with it.
    ///
    /// - Parameters:
    ///   - prefix: where it stands in the request, such as `ballot.`.
    ///   - operation: what is asked unless a voter names its own.
    public func faults(_ prefix: String, operation: String) -> [FieldFault] {
        var faults: [FieldFault] = []
        if !(1...Ballot.maxVoters).contains(voters.count) {
            faults.append(
                FieldFault(
                    field: prefix + "voters",
                    description: "has \(voters.count) entries; 1 to \(Ballot.maxVoters)"))
        }
        var labels: Set<String> = []
        for (place, voter) in voters.prefix(Ballot.maxVoters).enumerated() {
            let path = "\(prefix)voters[\(place)]."
            faults += voter.faults(path, operation: operation)
            if !voter.isEveryInstance, !labels.insert(voter.label).inserted {
                faults.append(
                    FieldFault(
                        field: path + "name",
                        description: "\"\(voter.label)\" is there twice; give each a name"))
            }
        }
        return faults + rules.faults(prefix + "rules.")
    }
}

extension BallotSpec.Voter {
    fileprivate func faults(_ path: String, operation ballots: String) -> [FieldFault] {
        var faults: [FieldFault] = []
        func check(_ isRight: Bool, _ field: String, _ description: String) {
            if isRight { return }
            faults.append(FieldFault(field: path + field, description: description))
        }
        check(!agentType.isEmpty, "agent_type", "is required")
        check(agentType.utf8.count <= 256, "agent_type", "is over 256 bytes")
        check(name.utf8.count <= 256, "name", "is over 256 bytes")
        check(agentID.utf8.count <= 256, "agent_id", "is over 256 bytes")
        check(operation.utf8.count <= 256, "operation", "is over 256 bytes")
        check(
            !operation.isEmpty || !ballots.isEmpty, "operation",
            "is required: neither the ballot nor the voter has one")
        check(weight > 0 && weight <= 1_000, "weight", "is \(weight); over 0 to 1,000")
        check(
            !isEveryInstance || name.isEmpty && agentID.isEmpty, "every_instance",
            "is for all of them, each under its id: leave name and agent_id out")
        return faults
    }
}
