#!/usr/bin/env python3
"""Shared memory and locks beside etcd, and writes beside Redis.

    sharing.py [--rounds N] [--scale F] [--connections N]

Cadre and etcd (Debian's etcd-server) are asked by the same compiled client, Redis (redis-server,
`appendfsync always`) by its own redis-benchmark; all over loopback, servers and client sharing the
machine's cores. Every write is on disk before its answer on every side. Each round gives each server
an empty directory and takes all loads once, the servers in turn; ratios are taken within a round,
figures are medians over the rounds. Exits 1 when a goal is missed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import disk
from contenders import serve
from pinned_server import PinnedServer, free_port
from workflow_load import ROOT

CLIENT = os.path.join(ROOT, ".build/release/SharingLoad")
BINARY = os.path.join(ROOT, ".build/release/cadre")
# No load takes longer.
RUN_SECONDS = 300
AT_ONCE = 64
# (work, callers): calls in a round, the ratio to etcd's rate that must be reached, and the stretch.
LOADS = {
    ("put", AT_ONCE): (10_000, 3.0, 4.0),
    ("lock", AT_ONCE): (5_000, 4.0, 8.0),
    ("get", AT_ONCE): (40_000, 6.0, 10.0),
    ("put", 1): (500, None, None),
}
SPARE_MS = 1.0


def cadre(scratch: str) -> PinnedServer:
    command = serve(BINARY, os.path.join(scratch, "data"))
    return PinnedServer("cadre", command, os.path.join(scratch, "log"), core=None)


def etcd(scratch: str) -> PinnedServer:
    peer = f"http://127.0.0.1:{free_port()}"
    client = "http://127.0.0.1:{port}"
    command = ["etcd", "--name", "bench", "--data-dir", os.path.join(scratch, "data"),
               "--listen-client-urls", client, "--advertise-client-urls", client,
               "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
               "--initial-cluster", f"bench={peer}", "--log-level", "error"]
    return PinnedServer("etcd", command, os.path.join(scratch, "log"), core=None)


def redis(scratch: str) -> PinnedServer:
    command = ["redis-server", "--port", "{port}", "--dir", scratch, "--appendonly", "yes",
               "--appendfsync", "always", "--save", ""]
    return PinnedServer("redis", command, os.path.join(scratch, "log"), core=None)


def load(server: PinnedServer, work: str, callers: int, connections: int, count: int) -> dict:
    done = subprocess.run(
        [CLIENT, "--server", server.name, "--port", str(server.port), "--work", work,
         "--callers", str(callers), "--connections", str(connections), "--count", str(count),
         "--warm-up", str(count // 10)], capture_output=True, text=True, timeout=RUN_SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"bench: {work} on {server.name} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def redis_sets(server: PinnedServer, count: int) -> float:
    """SETs a second, by Redis' own compiled client."""
    done = subprocess.run(
        ["redis-benchmark", "-p", str(server.port), "-c", str(AT_ONCE), "-n", str(count), "-t", "set",
         "-d", "100", "-r", "1024", "--csv"], capture_output=True, text=True, timeout=RUN_SECONDS)
    rows = [line.split('","') for line in done.stdout.splitlines() if line.startswith('"SET"')]
    if done.returncode != 0 or not rows:
        raise SystemExit(f"bench: redis-benchmark failed:\n{done.stdout}{done.stderr}")
    return float(rows[0][1].strip('"'))


def one_round(options: argparse.Namespace, scratch: str) -> dict:
    """What came of every load: by server, work and number of callers."""
    found = {"sync": disk.fdatasync_p50_ms(scratch)}
    for start in (cadre, etcd):
        folder = os.path.join(scratch, start.__name__)
        os.mkdir(folder)
        server = start(folder)
        try:
            for (work, callers), (count, _, _) in LOADS.items():
                count = max(callers, int(count * options.scale))
                before = server.cpu_seconds()
                said = load(server, work, callers, options.connections, count)
                said["cpu_us"] = (server.cpu_seconds() - before) / count / 1.1 * 1e6
                found[server.name, work, callers] = said
        finally:
            server.stop()
    folder = os.path.join(scratch, "redis")
    os.mkdir(folder)
    server = redis(folder)
    try:
        count = int(LOADS["put", AT_ONCE][0] * options.scale)
        found["redis"] = redis_sets(server, count)
    finally:
        server.stop()
    return found


def verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def report(rounds: list[dict]) -> bool:
    """Prints the medians; whether every goal was reached."""
    middle = lambda take: statistics.median(take(each) for each in rounds)  # noqa: E731
    all_reached = True
    for (work, callers), (_, goal, stretch) in LOADS.items():
        own, other = ("cadre", work, callers), ("etcd", work, callers)
        for name in (own, other):
            print(f"{name[0]:6} {work:4} x {callers:<3} {middle(lambda r: r[name]['per_second']):>9,.0f}/s"
                  f"  p50 {middle(lambda r: r[name]['p50_us']) / 1e3:7.2f} ms"
                  f"  p99 {middle(lambda r: r[name]['p99_us']) / 1e3:7.2f} ms"
                  f"  server {middle(lambda r: r[name]['cpu_us']):6,.0f} us"
                  f"  client {middle(lambda r: r[name]['client_cpu_us']):6,.0f} us")
        ratio = middle(lambda r: r[own]["per_second"] / r[other]["per_second"])
        if goal is None:
            print(f"       {ratio:.1f} x etcd")
            continue
        all_reached &= ratio >= goal
        print(f"       {ratio:.1f} x etcd; goal {goal:g} (stretch {stretch:g}): "
              f"{verdict(ratio >= goal)}")
    sets = middle(lambda r: r["redis"])
    above = middle(lambda r: r["cadre", "put", AT_ONCE]["per_second"] / r["redis"])
    all_reached &= above > 1
    print(f"redis  SET  x {AT_ONCE:<3} {sets:>9,.0f}/s; Cadre's puts {above:.2f} x: {verdict(above > 1)}")
    sync = middle(lambda r: r["sync"])
    spare = middle(lambda r: r["cadre", "put", 1]["p50_us"] / 1e3 - r["sync"])
    all_reached &= spare <= SPARE_MS
    print(f"sync {sync:.2f} ms; one put at a time is {spare:+.2f} ms from it, at most "
          f"{SPARE_MS:+g}: {verdict(spare <= SPARE_MS)}")
    return all_reached


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--connections", type=int, default=AT_ONCE)
    chosen = options.parse_args()
    missing = [name for name in ("etcd", "redis-server", "redis-benchmark") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"bench: {', '.join(missing)} not found; .ci/setup peers installs them")
    rounds = []
    for number in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as scratch:
            rounds.append(one_round(chosen, scratch))
        print(f"round {number + 1} of {chosen.rounds}", file=sys.stderr)
    return 0 if report(rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
