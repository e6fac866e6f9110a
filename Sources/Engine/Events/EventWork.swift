import Coordination
import Store

/// Work on publications that the engine asks of its shell: read them, look whether they fit, make them
/// ready for a target. It comes back as ``Command/eventsPrepared(_:)``.
public struct EventWork: Sendable {
    /// Where the publications come from.
    public enum Source: Sendable {
        /// They are at hand; there is nothing else up to `through`.
        case given([Publication], through: Int64)
        /// The store has them.
        case stored(PublicationRange)
        /// The store has it as a dead letter.
        case letter(namespace: String, key: String)
    }

    /// What it is for.
    public var call: EventCall
    /// Where they come from.
    public var source: Source
    /// How they are made ready.
    public var plan: EventPlan

    /// What came of it.
    public struct Outcome: Sendable {
        /// What it was for.
        public var call: EventCall
        /// What is for the target, ascending.
        public var deliveries: [EventDelivery] = []
        /// Publications looked at.
        public var looked = 0
        /// Everything up to here has been looked at.
        public var scannedThrough: Int64 = 0
        /// The dead letter that was read; `nil`: none was asked for, or it is gone.
        public var letter: EventDeadLetter?
        /// Whether they were at hand, fresh from a batch: none was removed before the target came to
        /// them.
        public var isFresh = false
        /// Why it could not be done.
        public var failure: Rejection?
    }

    /// Publications and bytes that are made ready at a time.
    static let pageSize = 64
    static let pageBytes = 1 << 20

    /// Bytes of what is at hand; `nil`: it must be read first.
    var bytesAtHand: Int? {
        guard case .given(let publications, _) = source else { return nil }
        return publications.reduce(0) { $0 + $1.content.byteCount }
    }

    /// Makes publications ready.
    func outcome(
        _ publications: [Publication], through: Int64, isFiltered: Bool = true
    ) -> Outcome {
        var outcome = Outcome(
            call: call,
            deliveries: publications.compactMap { plan.delivery(of: $0, isFiltered: isFiltered) },
            looked: publications.count, scannedThrough: through)
        if case .given = source { outcome.isFresh = true }
        return outcome
    }

    /// Makes a dead letter ready, whatever the filter says by now; `nil`: it is gone.
    func outcome(_ letter: EventDeadLetter?) -> Outcome {
        var outcome = outcome(
            letter.map { [$0.publication] } ?? [], through: 0, isFiltered: false)
        outcome.letter = letter
        return outcome
    }

    /// Says that it could not be done.
    func failed(_ rejection: Rejection) -> Outcome { Outcome(call: call, failure: rejection) }
}

extension EngineHost {
    /// Reads what the engine asked for and makes it ready, off its path.
    func prepare(_ work: EventWork) {
        switch work.source {
        case .given(let publications, let through):
            let isTaken = offload { [weak self] in
                self?.post([.eventsPrepared(work.outcome(publications, through: through))])
            }
            if !isTaken { post([.eventsPrepared(work.failed(.preparationFull))]) }
        case .stored(let range):
            publications(range) { [weak self] result in
                switch result {
                case .failure(let rejection):
                    self?.post([.eventsPrepared(work.failed(rejection))])
                case .success(let page):
                    let outcome = work.outcome(page.publications, through: page.scannedThrough)
                    self?.post([.eventsPrepared(outcome)])
                }
            }
        case .letter(let namespace, let key): read(work, namespace, key)
        }
    }

    private func read(_ work: EventWork, _ namespace: String, _ key: String) {
        eventDeadLetter(namespace: Namespace(namespace), key: key) { [weak self] result in
            let outcome: EventWork.Outcome =
                switch result {
                case .failure(let rejection): work.failed(rejection)
                case .success(let letter): work.outcome(letter)
                }
            self?.post([.eventsPrepared(outcome)])
        }
    }

    /// One stored dead letter; `nil`: there is none.
    private func eventDeadLetter(
        namespace: Namespace, key: String,
        completion: @escaping @Sendable (Result<EventDeadLetter?, Rejection>) -> Void
    ) {
        // The first key that is not before it: a key that sorts right before it is asked behind.
        let before = String(decoding: key.utf8.dropLast(), as: UTF8.self)
        entities(kind: .eventDeadLetter, namespace: namespace, after: before, limit: 10) { result in
            completion(
                result.flatMap { rows in
                    guard let blob = rows.first(where: { $0.key.hasSameBytes(as: key) })?.blob
                    else {
                        return .success(nil)
                    }
                    do throws(CodecError) {
                        return .success(try SubscriptionCodec.decodeLetter(blob))
                    } catch {
                        return .failure(.unreadable(StoreError(.corrupt, "\(error)")))
                    }
                })
        }
    }

    /// A page of dead letters by ascending key, behind `after`.
    public func eventDeadLetters(
        namespace: Namespace, after: String?, limit: Int,
        completion:
            @escaping @Sendable (Result<[(key: String, EventDeadLetter)], Rejection>) -> Void
    ) {
        entities(kind: .eventDeadLetter, namespace: namespace, after: after, limit: limit) {
            result in
            completion(
                result.flatMap { rows in
                    do throws(CodecError) {
                        var letters: [(key: String, EventDeadLetter)] = []
                        for row in rows {
                            letters.append(
                                (row.key, try SubscriptionCodec.decodeLetter(row.blob ?? [])))
                        }
                        return .success(letters)
                    } catch {
                        return .failure(.unreadable(StoreError(.corrupt, "\(error)")))
                    }
                })
        }
    }
}

extension EngineHost {
    /// What agents answered for targets goes back to the engine.
    func answerEvents(_ replies: [Reply]) {
        post(
            replies.map { reply in
                let call = EventCall(call: reply.ticket.call)
                let delivery = AgentDelivery(reply.answer)
                return .event(.subscription(.agentAnswered(call, delivery)), reply.ticket)
            })
    }
}

extension AgentDelivery {
    init(_ answer: Answer) {
        switch answer {
        case .invoked(let answer):
            switch answer.outcome {
            case .success: self = .done
            case .failure(let failure): self = .failed(failure)
            }
        case .rejected(let rejection): self = .refused(rejection)
        default:
            self = .refused(
                Rejection(.unavailable, reason: "UNEXPECTED_ANSWER", "the agent's answer is none"))
        }
    }
}
