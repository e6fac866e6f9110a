#!/usr/bin/env python3
"""Workflows and invokes with a client and a worker in Python: what their users see.

    python_bench.py [--rounds N] [--scale F] [--data DIR]

The release server runs on a real directory; client and worker are grpcio and nothing of ours
(python_side.py), and all three share the machine's cores. Each round takes every load once;
figures are medians over the rounds. Exits 1 when a goal is missed.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

import bench_options
from contenders import serve
from pinned_server import PinnedServer
from workflow_load import Load, ROOT, RUN_SECONDS

SIDE = os.path.join(ROOT, "Tests/Benchmarks/python_side.py")
# By load: calls in a round, and the goal: at least so many a second, or at most so many ms.
LOADS = {Load(1, 64): (1_500, "a second", 600), Load(3, 64): (900, "a second", 300),
         Load(0, 64): (4_000, "a second", 2_200), Load(0, 1): (1_000, "p50 ms", 1.0)}


def python_of_venv() -> str:
    made = subprocess.run([os.path.join(ROOT, ".ci/venv")], stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        raise SystemExit("bench: grpcio cannot be installed from PyPI")
    return made.stdout.strip()


def take_round(python: str, port: int, scale: float) -> dict[str, dict]:
    """What each load came to, by its name."""
    words = [f"{load.steps}:{load.callers}:{max(load.callers, int(count * scale))}"
             for load, (count, _, _) in LOADS.items()]
    done = subprocess.run([python, SIDE, str(port), *words], capture_output=True, text=True,
                          timeout=RUN_SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"bench: the client failed:\n{done.stdout}{done.stderr[-3000:]}")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["load"]: line for line in said}


def measure(python: str, server: PinnedServer, rounds: int, scale: float) -> list[dict]:
    worker = subprocess.Popen([python, SIDE, str(server.port), "work"], stdin=subprocess.DEVNULL)
    try:
        # The first, short round waits for the worker too, and warms all three up.
        take_round(python, server.port, scale / 10)
        return [take_round(python, server.port, scale) for _ in range(rounds)]
    finally:
        worker.kill()
        worker.wait()


def judge(found: list[dict]) -> bool:
    reached = True
    print(f"\n{'load':14} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8}  goal")
    for load, (_, what, limit) in LOADS.items():
        taken = [line[f"{load.steps}:{load.callers}"] for line in found]
        rate, p50, p99 = (statistics.median(line[key] for line in taken)
                          for key in ("per_second", "p50_ms", "p99_ms"))
        holds = rate >= limit if what == "a second" else p50 <= limit
        bound = "at least" if what == "a second" else "at most"
        print(f"{str(load):14} {rate:9.0f} {p50:8.2f} {p99:8.2f}  {what}: {bound} {limit:g} "
              f"{'PASS' if holds else 'FALL SHORT'}")
        reached = reached and holds
    return reached


def main() -> int:
    options = bench_options.parser(__doc__, "calls")
    bench_options.add_server(options)
    chosen = options.parse_args()
    python = python_of_venv()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=chosen.data) as scratch:
        server = PinnedServer("cadre", serve(chosen.binary, os.path.join(scratch, "data")),
                              f"{scratch}/server.log", core=None)
        try:
            found = measure(python, server, chosen.rounds, chosen.scale)
        finally:
            server.stop()
    return 0 if judge(found) else 1


if __name__ == "__main__":
    sys.exit(main())
