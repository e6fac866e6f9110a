import JSON
import Messages

extension EventReport {
    static func show(_ subscriptions: [Subscription], _ format: OutputFormat) {
        if format == .json {
            return printJSON {
                $0.member("subscriptions", subscriptions) { $0.subscription($1) }
            }
        }
        var table = TextTable(
            "SUBSCRIPTION", "TOPICS", "TARGET", "DONE TO", "LAG", "FAILED", "DEAD", "STATE")
        for subscription in subscriptions {
            let definition = subscription.definition ?? SubscriptionDefinition()
            for status in subscription.subscribers {
                table.add(
                    definition.name, definition.patterns.joined(separator: " "), status.target,
                    "\(status.acknowledgedSequence)", "\(status.lag)", "\(status.failedAttempts)",
                    "\(status.deadLetters)", state(definition, status))
            }
        }
        printVisible(table.text)
    }

    private static func state(
        _ definition: SubscriptionDefinition, _ status: SubscriberStatus
    ) -> String {
        if definition.paused { return "paused" }
        if status.nextAttemptUnixMillis > 0 {
            let why = status.lastFailure.map { ", \($0.type)" } ?? ""
            return "waits until \(Instant.text(status.nextAttemptUnixMillis))\(why)"
        }
        return status.connected ? "read" : ""
    }

    static func show(_ letters: [EventDeadLetter], _ format: OutputFormat) {
        if format == .json {
            return printJSON { $0.member("dead_letters", letters) { $0.letter($1) } }
        }
        var table = TextTable("SUBSCRIPTION", "TARGET", "SEQUENCE", "TOPIC", "ATTEMPTS", "WHY")
        for letter in letters {
            let failure = letter.failure ?? Failure()
            table.add(
                letter.subscription, letter.target, "\(letter.publication?.sequence ?? 0)",
                letter.publication?.topic ?? "", "\(letter.attempts)",
                "\(failure.type): \(failure.message)")
        }
        printVisible(table.text)
    }
}

extension JSONWriter {
    fileprivate mutating func subscription(_ subscription: Subscription) {
        let definition = subscription.definition ?? SubscriptionDefinition()
        beginObject()
        member("name", definition.name)
        member("patterns", definition.patterns)
        member("filter", definition.filter)
        member("paused", definition.paused)
        member("subscribers", subscription.subscribers) { writer, status in
            writer.beginObject()
            writer.member("target", status.target)
            writer.member("acknowledged_sequence", status.acknowledgedSequence)
            writer.member("lag", status.lag)
            writer.member("failed_attempts", status.failedAttempts)
            writer.member("delivered", status.delivered)
            writer.member("dead_lettered", status.deadLettered)
            writer.member("dead_letters", status.deadLetters)
            writer.member("connected", status.connected)
            if let failure = status.lastFailure {
                writer.member("last_failure", "\(failure.type): \(failure.message)")
            }
            writer.endObject()
        }
        endObject()
    }

    fileprivate mutating func letter(_ letter: EventDeadLetter) {
        beginObject()
        member("subscription", letter.subscription)
        member("target", letter.target)
        member("attempts", letter.attempts)
        member("parked", Instant.text(letter.parkedUnixMillis))
        member("failure_type", letter.failure?.type ?? "")
        member("failure_message", letter.failure?.message ?? "")
        key("publication")
        publication(letter.publication ?? Publication())
        endObject()
    }
}
