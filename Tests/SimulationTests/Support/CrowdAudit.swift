import Coordination

@testable import Engine

/// Looks through the ballots and batches of an engine for what could get stuck or does not add up.
enum CrowdAudit {
    static func faults(
        _ engine: CoordinationEngine, pending: Set<Preparation.Purpose>
    ) -> [String] {
        var faults: [String] = []
        if !engine.ownCalls.replies.isEmpty { faults.append("answers to own calls lie about") }
        var bytes = 0
        for index in engine.ballots.cells.indices {
            let cell = engine.ballots.cells[index]
            bytes += cell.bytes
            faults += check(cell, index, pending)
        }
        if bytes != engine.ballots.bytes { faults.append("bytes of answers do not add up") }
        for batch in engine.items.cells.indices { faults += check(batch, engine, pending) }
        let held = engine.items.items.values.reduce(0) { $0 + $1.payload.bytes.count }
        if held != engine.items.bytes { faults.append("bytes of items do not add up") }
        for (ticket, call) in engine.items.calls
        where call.missing != call.outcomes.count(where: { $0 == nil }) || call.missing == 0 {
            faults.append("call \(ticket.call) for items does not add up")
        }
        return faults
    }

    /// Every voter that is out is asked or read, and time ends the ballot.
    private static func check(
        _ cell: BallotCell, _ index: Int32, _ pending: Set<Preparation.Purpose>
    ) -> [String] {
        var faults: [String] = []
        if cell.timer < 0 { faults.append("a ballot has no end") }
        // When a voter is late the time is over for all, and the timer ends it for that reason.
        let isOver = cell.ballot.states.contains(.missing(.late))
        if cell.ballot.mayEnd, !isOver {
            faults.append("a ballot goes on though its outcome is certain")
        }
        for (voter, state) in cell.ballot.states.enumerated() {
            let reading = Preparation.Purpose.vote(
                ballot: index, serial: cell.serial, voter: voter)
            let isMoving = cell.calls[voter] != nil || pending.contains(reading)
            if state == .asked, !isMoving { faults.append("nobody asks voter \(voter)") }
            if state != .asked, cell.calls[voter] != nil {
                faults.append("voter \(voter) is settled and still asked")
            }
        }
        return faults
    }

    /// Every item is in line, at an agent, or on its way to the disk; and the line wakes by itself.
    private static func check(
        _ batch: Int32, _ engine: CoordinationEngine, _ pending: Set<Preparation.Purpose>
    ) -> [String] {
        var faults: [String] = []
        let cell = engine.items.cells[batch]
        let line = cell.line
        let own = engine.items.items.filter { $0.value.batch == batch }
        let toStore = Set(engine.draft.effects.items + engine.inFlightEffects.items)
        let unstored = own.keys.count { toStore.contains($0) }
        if line.waitingCount + line.flyingItems + unstored != own.count {
            faults.append(
                "\(own.count) items, but \(line.waitingCount) wait, \(line.flyingItems) fly and "
                    + "\(unstored) are to be stored")
        }
        if cell.flights.count != line.flyingCount { faults.append("flights do not add up") }
        if (line.nextDeadlineNanos == nil) != (cell.timer < 0) {
            faults.append("a batch's timer does not fit its line")
        }
        let asked = engine.ownCalls.open
        for number in cell.flights.keys {
            let isMade = pending.contains(
                .batch(batch, serial: cell.serial, number: number))
            let isAsked = asked.contains(
                .batch(batch, serial: cell.serial, number: number))
            if !isMade, !isAsked { faults.append("batch \(number) is at nobody") }
        }
        return faults
    }
}
