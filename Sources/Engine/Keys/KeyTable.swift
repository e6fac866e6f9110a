import Coordination
import Store

/// Concurrency and rate keys of the shard: gates, what stands at them, and pauses.
struct KeyTable: Sendable {
    var gates = KeyGates()
    /// The jobs of steps that have keys.
    var jobs: [Int32: KeyedJob] = [:]
    /// Handle of the timer of each gate that waits for its time.
    var timers: [Int32: Int32] = [:]
    /// Gates that may let somebody pass now.
    var opened: [Int32] = []
    var pauses = Slab(vacant: PauseCell.vacant)
    var pauseIndex: [KeyName: Int32] = [:]
    /// The newest batch that changed a pause.
    var changedIn = BatchNumber.none
    /// What the store holds, until the first turn, which knows the time.
    var restored: [EntityRow] = []
}

/// How far a step with keys has come.
struct KeyedJob: Sendable {
    /// The concurrency gate that it has passed; -1: none.
    var held: Int32 = -1
    /// The gate at which it waits; -1: none.
    var waitsAt: Int32 = -1
    /// The gate whose pace it has used up before it began; -1: none.
    var paced: Int32 = -1
    var stage = Stage.concurrency

    /// What comes next: in this order, so that work that waits for its pace holds its place.
    enum Stage: Sendable { case concurrency, rate, slot }
}

/// A paused key.
struct PauseCell: Sendable {
    var name: KeyName
    var pause: KeyPause
    /// Handle of the timer of its end; -1: none.
    var timer: Int32 = -1

    static let vacant = PauseCell(
        name: KeyName(namespace: Namespace(""), name: ""),
        pause: KeyPause(untilMillis: 0, sinceMillis: 0, reason: "", actor: ""))
}
