extension CronExpression {
    /// The first instant after another one, both in seconds since 1970-01-01T00:00:00Z.
    ///
    /// A step for each change of the clock on the way, and for each day of fitting months without
    /// a fitting day; `nil` when a hundred years hold none.
    public func next(after instant: Int64, in zone: TimeZoneTable) -> Int64? {
        var segment = zone.segment(at: instant)
        var offset = Int64(zone.offset(of: segment))
        var from = firstMinute(after: instant, in: zone, segment, offset)
        while let minute = nextMinute(from: Int(from)) {
            let local = Int64(minute) * 60
            guard segment < zone.transitions.count, local - offset >= zone.transitions[segment].at
            else { return local - offset }

            let change = zone.transitions[segment]
            let later = Int64(change.offset)
            if later > offset && !allowsEveryHour && local < change.at + later {
                return change.at
            }
            from = Int64(minute)
            if allowsEveryHour {
                let begin = ceilDiv(change.at + later, 60)
                from = later > offset ? max(from, begin) : begin
            }
            segment += 1
            offset = later
        }
        return nil
    }

    /// The first local minute that may count after an instant: behind it, and not a repetition.
    private func firstMinute(
        after instant: Int64, in zone: TimeZoneTable, _ segment: Int, _ offset: Int64
    ) -> Int64 {
        let from = floorDiv(instant + offset, 60) + 1
        guard segment > 0, !allowsEveryHour else { return from }
        let before = zone.transitions[segment - 1].at + Int64(zone.offset(of: segment - 1))
        return max(from, ceilDiv(before, 60))
    }
}

/// The quotient rounded up, for a positive divisor.
private func ceilDiv(_ value: Int64, _ divisor: Int64) -> Int64 {
    floorDiv(value + divisor - 1, divisor)
}
