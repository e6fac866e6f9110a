// The bar for the store: the same schema, statements and rows as StoreBench, in a bare loop over
// SQLite's C interface with nothing around it.
//
//     store_raw FILE BATCH SECONDS
//
// FILE is an empty store that `StoreBench DIR create` made, so that the schema is the same one.
// Prints one line of JSON.
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { live_runs = 256, steps_per_run = 3, payload_bytes = 200, history_bytes = 120, run_bytes = 100 };

static sqlite3 *db;

static void check(int code, const char *doing) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    fprintf(stderr, "store_raw: %s: %s\n", doing, sqlite3_errmsg(db));
    exit(1);
}

static void execute(const char *sql) { check(sqlite3_exec(db, sql, 0, 0, 0), sql); }

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement = 0;
    check(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, 0), sql);
    return statement;
}

static void run(sqlite3_stmt *statement) {
    check(sqlite3_step(statement), "a step");
    sqlite3_reset(statement);
}

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_seconds(void) { return now(CLOCK_PROCESS_CPUTIME_ID); }

// Bytes that this process caused to be sent to the disk; 0 where the kernel does not tell.
static long long written_bytes(void) {
    FILE *file = fopen("/proc/self/io", "r");
    char line[128];
    long long bytes = 0;
    while (file && fgets(line, sizeof line, file)) sscanf(line, "write_bytes: %lld", &bytes);
    if (file) fclose(file);
    return bytes;
}

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static sqlite3_stmt *begin, *commit, *epoch, *payload, *run_row, *history;
static int64_t last_run = (int64_t)1 << 32, last_payload = (int64_t)1 << 32;
static struct { int64_t id; int steps; } live[live_runs];
static unsigned next_live;
static char payload_blob[payload_bytes], history_blob[history_bytes], run_blob[run_bytes];

static void prepare_all(void) {
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
            "PRAGMA cache_size = -16384; PRAGMA foreign_keys = OFF;");
    begin = prepare("BEGIN IMMEDIATE");
    commit = prepare("COMMIT");
    epoch = prepare("SELECT epoch FROM shards WHERE shard = ?1");
    payload = prepare("INSERT INTO payloads (id, run, content_type, bytes) VALUES (?1, ?2, ?3, ?4)");
    run_row = prepare(
        "INSERT INTO runs (run, shard, namespace, workflow_id, definition, status, started_ms,"
        " closed_ms, blob) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        " ON CONFLICT (run) DO UPDATE SET"
        " status = excluded.status, closed_ms = excluded.closed_ms, blob = excluded.blob");
    history = prepare("INSERT INTO history (run, first_sequence, count, blob) VALUES (?1, ?2, ?3, ?4)");
    memset(payload_blob, 'p', sizeof payload_blob);
    memset(history_blob, 'h', sizeof history_blob);
    memset(run_blob, 'r', sizeof run_blob);
}

// One step: its output, the events it added, and the run's new state.
static void step(void) {
    unsigned place = next_live++ % live_runs;
    if (live[place].id == 0 || live[place].steps == steps_per_run) {
        live[place].id = ++last_run;
        live[place].steps = 0;
    }
    live[place].steps++;
    int64_t id = live[place].id;
    int is_last = live[place].steps == steps_per_run;

    sqlite3_bind_int64(payload, 1, ++last_payload);
    sqlite3_bind_int64(payload, 2, id);
    sqlite3_bind_text(payload, 3, "", 0, SQLITE_STATIC);
    sqlite3_bind_blob64(payload, 4, payload_blob, sizeof payload_blob, SQLITE_STATIC);
    run(payload);

    char workflow[32];
    int length = snprintf(workflow, sizeof workflow, "order-%lld", (long long)(id & 0xffffffff));
    sqlite3_bind_int64(run_row, 1, id);
    sqlite3_bind_int64(run_row, 2, 0);
    sqlite3_bind_text(run_row, 3, "default", 7, SQLITE_STATIC);
    sqlite3_bind_text(run_row, 4, workflow, length, SQLITE_STATIC);
    sqlite3_bind_text(run_row, 5, "checkout", 8, SQLITE_STATIC);
    sqlite3_bind_int64(run_row, 6, is_last ? 2 : 1);
    sqlite3_bind_int64(run_row, 7, 1700000000000);
    if (is_last) sqlite3_bind_int64(run_row, 8, 1700000000999);
    else sqlite3_bind_null(run_row, 8);
    sqlite3_bind_blob64(run_row, 9, run_blob, sizeof run_blob, SQLITE_STATIC);
    run(run_row);

    sqlite3_bind_int64(history, 1, id);
    sqlite3_bind_int64(history, 2, live[place].steps * 3 - 2);
    sqlite3_bind_int64(history, 3, 3);
    sqlite3_bind_blob64(history, 4, history_blob, sizeof history_blob, SQLITE_STATIC);
    run(history);
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: store_raw FILE BATCH SECONDS\n");
        return 2;
    }
    int batch = atoi(arguments[2]);
    double seconds = atof(arguments[3]);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    check(sqlite3_open_v2(arguments[1], &db, flags, 0), "opening");
    prepare_all();
    long capacity = 1 << 20, commits = 0;
    double *times = malloc(sizeof *times * (size_t)capacity);
    double start = now(CLOCK_MONOTONIC), cpu = cpu_seconds(), end = start;
    long long written = written_bytes();
    while (end - start < seconds && commits < capacity) {
        double began = now(CLOCK_MONOTONIC);
        run(begin);
        sqlite3_bind_int64(epoch, 1, 0);
        run(epoch);
        for (int index = 0; index < batch; index++) step();
        run(commit);
        end = now(CLOCK_MONOTONIC);
        times[commits++] = end - began;
    }
    cpu = cpu_seconds() - cpu;
    written = written_bytes() - written;
    qsort(times, (size_t)commits, sizeof *times, ascending);
    printf("{\"steps\": %ld, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"written_bytes\": %lld, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           commits * batch, end - start, cpu, written, times[commits / 2] * 1e6,
           times[commits * 99 / 100] * 1e6);
    return 0;
}
