/// The tables, as numbered migrations. `PRAGMA user_version` says which of them a file has had.
///
/// The shape follows what was measured: rows that are written together are neighbours. History
/// and payloads are appended, run ids ascend, and whatever is looked up by something random
/// pays for one index only.
///
/// A migration that has shipped never changes; a new one is added behind it. Blobs carry their
/// own format version in their first byte, so most changes of content need none.
enum SQLiteSchema {
    /// Marks the file as ours (`PRAGMA application_id`): "Cadr" in ASCII.
    static let applicationID: Int64 = 0x4361_6472

    /// The version that this code writes and reads.
    static var latestVersion: Int64 { Int64(migrations.count) }

    /// The SQL that takes a file from version `index` to `index + 1`.
    static let migrations: [String] = [
        """
        CREATE TABLE shards (shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL);

        CREATE TABLE definitions (
            id INTEGER PRIMARY KEY, shard INTEGER NOT NULL, namespace TEXT NOT NULL,
            name TEXT NOT NULL, version TEXT NOT NULL, updated_ms INTEGER NOT NULL,
            blob BLOB NOT NULL, UNIQUE (namespace, name));

        CREATE TABLE payloads (
            id INTEGER PRIMARY KEY, run INTEGER NOT NULL, content_type TEXT NOT NULL,
            bytes BLOB NOT NULL);

        CREATE TABLE runs (
            run INTEGER PRIMARY KEY, shard INTEGER NOT NULL, namespace TEXT NOT NULL,
            workflow_id TEXT NOT NULL, definition TEXT NOT NULL, status INTEGER NOT NULL,
            started_ms INTEGER NOT NULL, closed_ms INTEGER, blob BLOB NOT NULL);
        CREATE INDEX runs_open ON runs (run) WHERE closed_ms IS NULL;
        CREATE INDEX runs_of_namespace ON runs (namespace, run);
        CREATE INDEX runs_of_workflow ON runs (namespace, workflow_id, run);
        CREATE INDEX runs_of_definition ON runs (namespace, definition, run);

        CREATE TABLE history (
            run INTEGER NOT NULL, first_sequence INTEGER NOT NULL, count INTEGER NOT NULL,
            blob BLOB NOT NULL, UNIQUE (run, first_sequence));

        CREATE TABLE requests (
            id INTEGER PRIMARY KEY, shard INTEGER NOT NULL, created_hour INTEGER NOT NULL,
            namespace TEXT NOT NULL, method TEXT NOT NULL, request_id TEXT NOT NULL,
            content_hash INTEGER NOT NULL, created_ms INTEGER NOT NULL, answer BLOB NOT NULL);
        CREATE INDEX requests_by_hour ON requests (created_hour);
        """,
        """
        CREATE TABLE entities (
            id INTEGER PRIMARY KEY, shard INTEGER NOT NULL, kind INTEGER NOT NULL,
            namespace TEXT NOT NULL, key TEXT NOT NULL, blob BLOB NOT NULL,
            UNIQUE (kind, namespace, key, shard));
        CREATE INDEX entities_recovered ON entities (id) WHERE kind < 128;

        CREATE TABLE audit (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,
            namespace TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
            subject TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
            request_id TEXT NOT NULL);
        CREATE INDEX audit_of_namespace ON audit (namespace, sequence);
        CREATE INDEX audit_of_subject ON audit (subject, sequence);
        """,
        // Requests come and go in the order of their ids, so no index over their hours is paid for.
        """
        CREATE TABLE pruning (run INTEGER PRIMARY KEY);
        CREATE INDEX runs_closed ON runs (closed_ms) WHERE closed_ms IS NOT NULL;
        CREATE INDEX payloads_of_run ON payloads (run);
        DROP INDEX requests_by_hour;
        """,
        // Changes are appended; what a key holds is named by its revision, so that no value is
        // written twice.
        """
        CREATE TABLE memory_changes (
            id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, key TEXT NOT NULL,
            revision INTEGER NOT NULL, meta BLOB NOT NULL, value BLOB);
        CREATE INDEX memory_of_revision ON memory_changes (namespace, revision);
        CREATE UNIQUE INDEX memory_of_key ON memory_changes (namespace, key, revision);
        CREATE TABLE memory_entries (
            id INTEGER PRIMARY KEY, shard INTEGER NOT NULL, namespace TEXT NOT NULL,
            key TEXT NOT NULL, revision INTEGER NOT NULL, UNIQUE (namespace, key));
        """,
        // The index alone says what fits a pattern, and all that a server that starts must know.
        """
        CREATE TABLE publications (
            id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, sequence INTEGER NOT NULL,
            topic TEXT NOT NULL, topic_sequence INTEGER NOT NULL, at_ms INTEGER NOT NULL,
            bytes INTEGER NOT NULL, head BLOB NOT NULL, payload BLOB NOT NULL);
        CREATE INDEX publications_by_sequence ON publications
            (namespace, sequence, topic, bytes, at_ms);
        """,
        // Changes in the window are packed, one row a commit; what is found by key is what the
        // window has passed. The next migration fills the log, see ``MemoryLogMigration``.
        """
        CREATE TABLE memory_log (
            id INTEGER PRIMARY KEY, shard INTEGER NOT NULL, namespace TEXT NOT NULL,
            first INTEGER NOT NULL, last INTEGER NOT NULL, blob BLOB NOT NULL);
        CREATE UNIQUE INDEX memory_log_of_revision ON memory_log (namespace, last);
        ALTER TABLE memory_changes ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;
        """,
        """
        DROP INDEX memory_of_revision;
        DROP TABLE memory_entries;
        """,
        // What comes and goes all the time pays for its key alone.
        """
        CREATE TABLE brief_entities (
            kind INTEGER NOT NULL, namespace TEXT NOT NULL, key TEXT NOT NULL,
            shard INTEGER NOT NULL, blob BLOB NOT NULL,
            PRIMARY KEY (kind, namespace, key, shard)) WITHOUT ROWID;
        INSERT INTO brief_entities (kind, namespace, key, shard, blob)
            SELECT kind, namespace, key, shard, blob FROM entities WHERE kind = 21;
        DELETE FROM entities WHERE kind = 21;
        """,
    ]
}

extension SQLiteConnection {
    /// Prepares the file for a writer: page size, log mode, sync level, then migrations.
    ///
    /// A file of a newer version or of another program is refused before anything is changed.
    func prepareForWriting(cacheKibibytes: Int) throws(StoreError) {
        let version = try refuseForeignFile()
        try translatingFailures { () throws(SQLiteFailure) in
            // The page size counts only while the file is still empty.
            try execute(
                """
                PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = OFF;
                PRAGMA temp_store = MEMORY; PRAGMA cache_size = -\(cacheKibibytes);
                """)
            countLoggedPages()
            try migrate(from: version)
        }
    }

    /// Runs `body`; what SQLite reports becomes what a caller of the store is told.
    func translatingFailures<Answer>(
        _ body: () throws(SQLiteFailure) -> Answer
    ) throws(StoreError) -> Answer {
        do {
            return try body()
        } catch {
            throw StoreError(error, file: path)
        }
    }

    /// The file's version; throws when this code must not touch the file.
    private func refuseForeignFile() throws(StoreError) -> Int64 {
        let (version, owner, tables) = try translatingFailures { () throws(SQLiteFailure) in
            (
                try integer("PRAGMA user_version"), try integer("PRAGMA application_id"),
                try integer("SELECT count(*) FROM sqlite_schema")
            )
        }
        let known = SQLiteSchema.latestVersion
        guard version <= known else {
            throw StoreError(
                .newerVersion,
                "\(path) was written by a newer server: it has store version \(version), this "
                    + "server knows versions up to \(known). Start the newer server again, or "
                    + "restore a backup made before the upgrade")
        }
        guard owner == SQLiteSchema.applicationID || (version == 0 && tables == 0) else {
            throw StoreError(
                .corrupt,
                "\(path) is a SQLite file of another program. Pass another --data directory")
        }
        return version
    }

    /// One transaction for all that is missing: a crash leaves the old version.
    private func migrate(from version: Int64) throws(SQLiteFailure) {
        guard version < SQLiteSchema.latestVersion else { return }
        try execute("BEGIN IMMEDIATE")
        for (index, sql) in SQLiteSchema.migrations.enumerated().dropFirst(Int(version)) {
            if index == MemoryLogMigration.index { try MemoryLogMigration.run(on: self) }
            try execute(sql, for: "bringing it from store version \(index) to \(index + 1)")
        }
        try execute(
            """
            PRAGMA application_id = \(SQLiteSchema.applicationID);
            PRAGMA user_version = \(SQLiteSchema.latestVersion);
            COMMIT;
            """)
    }
}
