import Coordination
import Store

@testable import Engine

/// What is on disk in a world of events.
struct EventStore {
    private(set) var publications: [PublicationName: Publication] = [:]
    private var entities: [EntityName: EntityRow] = [:]
    private var requests: [RequestRow] = []
    private var definitions: [DefinitionRow] = []
    /// The workflow ids of all runs that ever were.
    private(set) var workflowIDs: [String: Set<RunID>] = [:]
    /// Everything that was ever on disk, in order, by sequence.
    private(set) var everStored: [Int64: Publication] = [:]
    private var epoch: UInt32 = 0

    mutating func apply(_ batch: StoreBatch) {
        for row in batch.publications {
            let publication = row.publication
            let name = PublicationName(namespace: row.namespace, sequence: publication.sequence)
            publications[name] = publication
            everStored[publication.sequence] = publication
        }
        for name in batch.removedPublications { publications[name] = nil }
        for row in batch.entities {
            let name = EntityName(kind: row.kind, namespace: row.namespace, key: row.key)
            entities[name] = row.blob == nil ? nil : row
        }
        requests += batch.requests
        definitions += batch.definitions
        for row in batch.runs { workflowIDs[row.workflowID, default: []].insert(row.run) }
    }

    /// Another process takes up what is here; runs are left alone, they do not matter here.
    mutating func recover() throws -> CoordinationEngine {
        epoch += 1
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: epoch))
        for row in definitions {
            let (id, definition) = try StoredDefinition.decode(row.blob)
            engine.restore(
                try WorkflowPlan(definition), id: id, namespace: Namespace(row.namespace))
        }
        for row in entities.values where row.entityKind.isRecovered { try engine.restore(row) }
        for row in requests { try engine.restore(row) }
        for namespace in engine.publishingNamespaces {
            let held = publications.filter { $0.key.namespace == namespace.name }.map(\.value)
            let marks = held.sorted { $0.sequence < $1.sequence }.map { publication in
                PublicationMark(
                    topic: publication.content.topic,
                    mark: TopicHistory.Mark(
                        sequence: publication.sequence, atMillis: publication.atMillis,
                        bytes: publication.content.byteCount))
            }
            engine.restore(marks, in: namespace)
        }
        return engine
    }

    /// Publications on disk in a range that fit, ascending.
    func page(_ range: PublicationRange) -> PublicationPage {
        let found = publications.filter { name, publication in
            name.namespace == range.namespace
                && (range.from...max(range.from, range.through)).contains(publication.sequence)
                && range.patterns.match(publication.content.topic)
        }.map(\.value).sorted { $0.sequence < $1.sequence }
        let page = Array(found.prefix(range.limit))
        let isWhole = page.count == found.count
        return PublicationPage(
            publications: page,
            scannedThrough: isWhole ? range.through : page.last?.sequence ?? range.through)
    }

    /// What the shell of the engine would give.
    func outcome(of work: EventWork) -> EventWork.Outcome {
        switch work.source {
        case .given(let publications, let through):
            return work.outcome(publications, through: through)
        case .stored(let range):
            let page = page(range)
            return work.outcome(page.publications, through: page.scannedThrough)
        case .letter(let namespace, let key):
            let name = EntityName(
                kind: EntityKind.eventDeadLetter.rawValue, namespace: namespace, key: key)
            let letter = try? SubscriptionCodec.decodeLetter(entities[name]?.blob ?? [])
            return work.outcome(letter)
        }
    }

    /// Sequences that a subscription's targets gave up.
    func letters(of subscription: String) -> Set<Int64> {
        Set(
            entities.values.filter { $0.entityKind == .eventDeadLetter }
                .compactMap { try? SubscriptionCodec.decodeLetter($0.blob ?? []) }
                .filter { $0.subscription == subscription }.map(\.publication.sequence))
    }
}
