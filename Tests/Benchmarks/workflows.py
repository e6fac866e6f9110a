#!/usr/bin/env python3
"""What durable workflows cost: rate, latency, CPU, bytes and memory of the server.

The release server runs on a real directory, no-op workflows are executed through gRPC by the
compiled client, with agents in process and with one remote worker; server, client and worker share the machine's cores. Each round takes every load
once and asks the disk how long a sync takes; figures are medians over the rounds.

    workflows.py [--rounds N] [--scale F] [--data DIR]

Exits 1 when a goal is missed.
"""

import os
import statistics
import sys
import tempfile
from dataclasses import dataclass

import bench_options
import disk
import workflow_load
from contenders import serve
from pinned_server import PinnedServer
from remote_worker import AGENT as REMOTE, RemoteWorker
from workflow_load import Load

AT_ONCE = 64
LOADS = [Load(1, AT_ONCE), Load(3, AT_ONCE), Load(1, 1), Load(3, 1),
         Load(1, AT_ONCE, REMOTE), Load(3, AT_ONCE, REMOTE), Load(0, AT_ONCE, REMOTE),
         Load(0, 1, REMOTE)]
# By steps: workflows a second at 64 callers (must, stretch), server CPU us a workflow, commits.
RATE = {1: (3_000, 6_000), 3: (1_500, 3_000)}
CPU_MICROS = {1: 200, 3: 400}
COMMITS = {1: 2, 3: 4}
RESIDENT_MIB = 100
# One client may take this many syncs' time for each commit, and this much besides.
SYNCS_PER_COMMIT, SPARE_MS = 2.5, 1.0


@dataclass(frozen=True)
class Sample:
    """One load in one round."""

    outcome: workflow_load.Outcome
    server_cpu_us: float
    written_kib: float
    resident_mib: float
    sync_ms: float


def count_for(load: Load, scale: float) -> int:
    """About a second of work at the goal's rate."""
    count = (3_000 if load.callers > 1 else 500) // max(1, load.steps)
    count *= 1 if load.steps else 5
    return max(load.callers, int(count * scale))


def sample(load: Load, server: PinnedServer, scale: float, data: str) -> Sample:
    count = count_for(load, scale)
    sync_ms = disk.fdatasync_p50_ms(data)
    cpu, written = server.cpu_seconds(), server.written_bytes()
    outcome = workflow_load.run(load, server.port, count)
    return Sample(outcome, (server.cpu_seconds() - cpu) * 1e6 / count,
                  (server.written_bytes() - written) / 1024 / count, server.resident_mib(), sync_ms)


def measure(loads: list[Load], server: PinnedServer, rounds: int, scale: float,
            data: str) -> dict[Load, list[Sample]]:
    samples: dict[Load, list[Sample]] = {load: [] for load in loads}
    for number in range(rounds + 1):
        for load in loads:
            taken = sample(load, server, scale if number else scale / 4, data)
            if number > 0:  # Round 0 warms the server up.
                samples[load].append(taken)
        print(f"round {number} of {rounds} done" if number else "warm", file=sys.stderr)
    return samples


def middle(samples: list[Sample], value) -> float:
    return statistics.median(value(taken) for taken in samples)


def report(samples: dict[Load, list[Sample]]) -> None:
    print(f"\n{'load':28} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8} {'server us':>10} "
          f"{'client us':>10} {'KiB written':>12} {'RSS MiB':>8} {'sync ms':>8}")
    for load, taken in samples.items():
        columns = [middle(taken, lambda s: s.outcome.per_second),
                   middle(taken, lambda s: s.outcome.p50_ms),
                   middle(taken, lambda s: s.outcome.p99_ms),
                   middle(taken, lambda s: s.server_cpu_us),
                   middle(taken, lambda s: s.outcome.client_cpu_us),
                   middle(taken, lambda s: s.written_kib),
                   max(s.resident_mib for s in taken), middle(taken, lambda s: s.sync_ms)]
        print(f"{str(load):28} {columns[0]:9.0f} {columns[1]:8.2f} {columns[2]:8.2f} "
              f"{columns[3]:10.0f} {columns[4]:10.0f} {columns[5]:12.1f} {columns[6]:8.0f} "
              f"{columns[7]:8.3f}")


def goals(load: Load, taken: list[Sample]):
    """(what, found, limit, whether it holds) of one load; of invokes there are none."""
    if load.steps == 0:
        return
    if load.callers == 1:
        allowed = middle(taken, lambda s: COMMITS[load.steps] * SYNCS_PER_COMMIT * s.sync_ms
                         + SPARE_MS)
        p50 = middle(taken, lambda s: s.outcome.p50_ms)
        yield "p50 ms", p50, f"at most {allowed:.2f}", p50 <= allowed
        return
    rate = middle(taken, lambda s: s.outcome.per_second)
    must, stretch = RATE[load.steps]
    yield "a second", rate, f"at least {must} (stretch {stretch})", rate >= must
    if load.agent != REMOTE:
        cpu, limit = middle(taken, lambda s: s.server_cpu_us), CPU_MICROS[load.steps]
        yield "server CPU us", cpu, f"at most {limit}", cpu <= limit
    resident = max(s.resident_mib for s in taken)
    yield "RSS MiB", resident, f"at most {RESIDENT_MIB}", resident <= RESIDENT_MIB


def judge(samples: dict[Load, list[Sample]]) -> bool:
    reached = True
    print(f"\n{'load':28} {'goal':14} {'found':>9}  limit")
    for load, taken in samples.items():
        for what, found, limit, holds in goals(load, taken):
            print(f"{str(load):28} {what:14} {found:9.2f}  {limit:32} "
                  f"{'PASS' if holds else 'FALL SHORT'}")
            reached = reached and holds
    return reached


def main() -> int:
    options = bench_options.parser(__doc__, "workflows")
    bench_options.add_server(options)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.data) as scratch:
        server = PinnedServer("cadre", serve(chosen.binary, os.path.join(scratch, "data")),
                              f"{scratch}/server.log", core=None)
        worker = None
        try:
            worker = RemoteWorker(server.port)
            samples = measure(LOADS, server, chosen.rounds, chosen.scale, scratch)
            report(samples)
        finally:
            if worker is not None:
                worker.stop()
            server.stop()
    return 0 if judge(samples) else 1


if __name__ == "__main__":
    sys.exit(main())
