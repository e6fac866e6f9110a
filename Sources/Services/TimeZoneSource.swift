public import Coordination

/// Where time zones come from: a name in, the zone's table out.
///
/// Called off the socket loops' critical work only for schedules that are put; must not block for
/// longer than reading a small file takes.
public typealias TimeZoneSource = @Sendable (_ name: String) -> TimeZoneTable?
