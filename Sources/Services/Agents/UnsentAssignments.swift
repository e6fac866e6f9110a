import Coordination

/// Assignments that a worker's stream has not sent yet, in their order.
///
/// One that is taken back lets go of its payload at once and is never sent. Its credit is free again
/// when the worker would have been sent it: one that does not read is given nothing in its place.
struct UnsentAssignments {
    private enum Entry {
        case assignment(Assignment)
        /// It was taken back. Probes take no credit.
        case gap(hadCredit: Bool)
    }

    private var line: ArraySlice<Entry> = []
    /// Where each stands. Made when the first is taken back, so that a worker that reads costs
    /// nothing, and kept until all are gone.
    private var places: [AssignmentToken: Int]?
    private var freed = 0

    var isEmpty: Bool { line.isEmpty }

    /// What the payloads hold. O(count).
    var payloadBytes: Int {
        line.reduce(0) { bytes, entry in
            guard case .assignment(let assignment) = entry else { return bytes }
            return bytes + assignment.payload.bytes.count
        }
    }

    mutating func append(_ assignment: Assignment) {
        places?[assignment.token] = line.endIndex
        line.append(.assignment(assignment))
    }

    /// Takes one back; whether it was there.
    mutating func takeBack(_ token: AssignmentToken) -> Bool {
        if line.isEmpty { return false }
        if places == nil { notePlaces() }
        guard let place = places?.removeValue(forKey: token),
            case .assignment(let assignment) = line[place]
        else { return false }
        line[place] = .gap(hadCredit: assignment.operation != Assignment.healthOperation)
        return true
    }

    private mutating func notePlaces() {
        var known: [AssignmentToken: Int] = [:]
        for place in line.indices {
            if case .assignment(let assignment) = line[place] { known[assignment.token] = place }
        }
        places = known
    }

    /// Removes the first that is still wanted and gives it; `nil`: there is none left.
    mutating func popFirst() -> Assignment? {
        while let entry = line.first {
            // What is removed from a slice stays in its buffer.
            line[line.startIndex] = .gap(hadCredit: false)
            line.removeFirst()
            if line.isEmpty { line = [] }
            switch entry {
            case .gap(let hadCredit): freed += hadCredit ? 1 : 0
            case .assignment(let assignment):
                places?[assignment.token] = nil
                if line.isEmpty { places = nil }
                return assignment
            }
        }
        places = nil
        return nil
    }

    /// How many credits have become free since the last time.
    mutating func takeFreedCredits() -> Int {
        defer { freed = 0 }
        return freed
    }
}
