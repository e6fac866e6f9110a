#!/usr/bin/env python3
"""Shared memory and locks beside etcd, and writes beside Redis.

    sharing.py [--rounds N] [--scale F] [--connections N] [--binary PATH]

Cadre and etcd (Debian's etcd-server) are asked by the same compiled clients: h2load puts and reads one
key, 64 calls at once, and SharingLoad takes locks, which are two calls each, and puts one key after the
other. Redis (redis-server, `appendfsync always`) is asked by its own redis-benchmark. All over loopback,
servers and clients sharing the machine's cores. Every write is on disk before its answer on every side. Each round gives each server
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

import bench_options
import disk
import load as h2
from cache_cost import VALUE, field, message
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
    ("put", AT_ONCE): (100_000, 3.0, 4.0),
    ("lock", AT_ONCE): (20_000, 4.0, 8.0),
    ("get", AT_ONCE): (100_000, 6.0, 10.0),
    ("put", 1): (1_000, None, None),
}
SPARE_MS = 1.0
CONNECTIONS = 8
KEY = b"load/0/1"
# The calls of h2load: path, request, and the least that a good answer has.
CALLED = {
    # MemoryServicePutRequest{key, value{data}}, MemoryServiceGetRequest{key}.
    ("cadre", "put"): ("/cadre.v1.MemoryService/Put",
                       message(field(1, KEY) + field(2, field(1, VALUE))), 7),
    ("cadre", "get"): ("/cadre.v1.MemoryService/Get", message(field(1, KEY)), len(VALUE)),
    # etcdserverpb.PutRequest{key, value}, RangeRequest{key}.
    ("etcd", "put"): ("/etcdserverpb.KV/Put", message(field(1, KEY) + field(2, VALUE)), 20),
    ("etcd", "get"): ("/etcdserverpb.KV/Range", message(field(1, KEY)), len(VALUE)),
}


def cadre(scratch: str, binary: str) -> PinnedServer:
    command = serve(binary, os.path.join(scratch, "data"))
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


def load(server: PinnedServer, work: str, callers: int, connections: int, count: int,
         scratch: str) -> dict:
    """What the client says of `count` calls, and the CPU time that each cost the server."""
    by = h2load if callers > 1 and work != "lock" else sharing_load
    by(server, work, callers, connections, count // 10, scratch)
    before = server.cpu_seconds()
    said = by(server, work, callers, connections, count, scratch)
    said["cpu_us"] = (server.cpu_seconds() - before) / count * 1e6
    return said


def h2load(server: PinnedServer, work: str, callers: int, connections: int, count: int,
           scratch: str) -> dict:
    path, body, least = CALLED[server.name, work]
    file = os.path.join(scratch, work)
    with open(file, "wb") as out:
        out.write(body)
    shape = h2.Shape(connections, callers // connections, client_core="0-1")
    return {"per_second": h2.run(shape, server.port, count, file, path, least)}


def sharing_load(server: PinnedServer, work: str, callers: int, connections: int, count: int,
                 _: str) -> dict:
    done = subprocess.run(
        [CLIENT, "--server", server.name, "--port", str(server.port), "--work", work,
         "--callers", str(callers), "--connections", str(connections), "--count", str(count)],
        capture_output=True, text=True, timeout=RUN_SECONDS)
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
    starts = {"cadre": lambda folder: cadre(folder, options.binary), "etcd": etcd}
    for name, start in starts.items():
        folder = os.path.join(scratch, name)
        os.mkdir(folder)
        server = start(folder)
        try:
            for (work, callers), (count, _, _) in LOADS.items():
                count = max(callers, int(count * options.scale))
                connections = min(options.connections, callers)
                found[server.name, work, callers] = load(
                    server, work, callers, connections, count, folder)
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
            line = (f"{name[0]:6} {work:4} x {callers:<3} {middle(lambda r: r[name]['per_second']):>9,.0f}/s"
                    f"  server {middle(lambda r: r[name]['cpu_us']):6,.0f} us a call")
            if "p50_us" in rounds[0][name]:
                line += (f"  p50 {middle(lambda r: r[name]['p50_us']) / 1e3:.2f} ms"
                         f"  p99 {middle(lambda r: r[name]['p99_us']) / 1e3:.2f} ms"
                         f"  client {middle(lambda r: r[name]['client_cpu_us']):.0f} us")
            print(line)
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
    options = bench_options.parser(__doc__, "calls")
    options.add_argument("--connections", type=int, default=CONNECTIONS,
                         choices=[1, 2, 4, 8, 16, 32, 64])
    options.add_argument("--binary", default=BINARY)
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
