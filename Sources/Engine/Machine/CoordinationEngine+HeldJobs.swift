import Coordination

/// Which jobs hold slots of which instance: a list through the jobs themselves, so that an instance
/// that leaves costs what it held and not what all hold.
extension CoordinationEngine {
    /// The job holds a slot of an instance from now on.
    mutating func hold(_ job: Int32, _ agent: Int32) {
        while heldJobs.count <= Int(agent) { heldJobs.append(-1) }
        let first = heldJobs[Int(agent)]
        heldJobs[Int(agent)] = job
        jobs[job].agent = agent
        jobs[job].nextHeld = first
        jobs[job].previousHeld = -1
        if first >= 0 { jobs[first].previousHeld = job }
    }

    /// It holds it no more.
    mutating func letGo(_ job: Int32) {
        let (next, previous) = (jobs[job].nextHeld, jobs[job].previousHeld)
        if next >= 0 { jobs[next].previousHeld = previous }
        if previous >= 0 {
            jobs[previous].nextHeld = next
        } else {
            heldJobs[Int(jobs[job].agent)] = next
        }
        jobs[job].agent = -1
        jobs[job].nextHeld = -1
        jobs[job].previousHeld = -1
    }

    /// Steps of workflows that instances of this process work on.
    public var localStepCount: Int {
        var count = 0
        for agent in pool.livingAgents where pool.session(of: agent) < 0 {
            var job = heldJobs.indices.contains(Int(agent)) ? heldJobs[Int(agent)] : -1
            while job >= 0 {
                if case .step = jobs[job].work { count += 1 }
                job = jobs[job].nextHeld
            }
        }
        return count
    }

    /// What an instance holds, in the order of the dispatch.
    mutating func tokensHeld(by agent: Int32) -> [UInt64] {
        guard heldJobs.indices.contains(Int(agent)) else { return [] }
        var held: [UInt64] = []
        var job = heldJobs[Int(agent)]
        while job >= 0 {
            held.append(jobs[job].token)
            job = jobs[job].nextHeld
        }
        return held.sorted()
    }
}
