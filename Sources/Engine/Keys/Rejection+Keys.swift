extension Rejection {
    static func tooManyPauses(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_PAUSED_KEYS",
            "\(limit) keys are paused, the limit of this server; let some go on")
    }
}
