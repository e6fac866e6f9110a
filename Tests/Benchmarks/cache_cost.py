#!/usr/bin/env python3
"""What a hit in the shared cache costs over gRPC, beside the same call without a cache.

    cache_cost.py [--rounds N] [--scale F]

The release server is pinned to core 0 and h2load to core 1. In each round `CacheService.Get` of a value
of 100 bytes is asked of the server and of CallFloor, which has the same bytes to read and to write but
no cache; and the server's health service is asked for `Check`, the emptiest call there is. All at
8 connections x 64 streams. Figures are the servers' CPU time per call; ratios are taken within a round,
medians over the rounds. Exits 1 when a hit costs more than a tenth more than the call without a cache.
"""

import argparse
import os
import statistics
import struct
import sys
import tempfile

import load
from contenders import serve
from pinned_server import PinnedServer
from workflow_load import ROOT

BINARY = os.path.join(ROOT, ".build/release/cadre")
FLOOR = os.path.join(ROOT, ".build/release/CallFloor")
SERVICE = "/cadre.v1.CacheService/"
SHAPE = load.Shape(8, 64)
CALLS = 60_000
MOST = 1.10
VALUE = b'"' + b"x" * 98 + b'"'
KEY = b"agents/echo/last-answer"


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field of fewer than 16,384 bytes."""
    count = len(content)
    length = bytes([count]) if count < 128 else bytes([count & 0x7F | 0x80, count >> 7])
    return bytes([number << 3 | 2]) + length + content


def message(content: bytes) -> bytes:
    """A message with the five bytes that gRPC puts before it."""
    return struct.pack(">BI", 0, len(content)) + content


# CacheServiceSetRequest{entry{key, value{data}}}, CacheServiceGetRequest{key}, HealthCheckRequest{}.
BODIES = {
    "set": message(field(1, field(1, KEY) + field(2, field(1, VALUE)))),
    "get": message(field(1, KEY)),
    "check": message(b""),
}
# Path, and the least a good answer has: a hit carries the value.
CALLED = {
    "hit": (SERVICE + "Get", "get", len(VALUE)),
    "floor": (SERVICE + "Get", "get", len(VALUE)),
    "check": ("/grpc.health.v1.Health/Check", "check", 7),
}


def send(server: PinnedServer, name: str, count: int, scratch: str) -> float:
    """CPU microseconds that each of the calls cost the server."""
    path, body, least = CALLED[name]
    before = server.cpu_seconds()
    load.run(SHAPE, server.port, count, os.path.join(scratch, body), path, least)
    return (server.cpu_seconds() - before) * 1e6 / count


def measure(servers: dict, rounds: int, count: int, scratch: str) -> dict:
    """Microseconds of each call, a list of rounds; the round before the first warms up."""
    cost = {name: [] for name in CALLED}
    for number in range(rounds + 1):
        for name in CALLED:
            used = send(servers[name], name, count, scratch)
            if number > 0:
                cost[name].append(used)
    return cost


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--scale", type=float, default=1.0)
    chosen = options.parse_args()
    in_flight = SHAPE.connections * SHAPE.streams
    count = max(1, int(CALLS * chosen.scale) // in_flight) * in_flight
    with tempfile.TemporaryDirectory() as scratch:
        for name, body in BODIES.items():
            with open(os.path.join(scratch, name), "wb") as file:
                file.write(body)
        server = PinnedServer("cadre", serve(BINARY, os.path.join(scratch, "data")) + ["--loops", "1"],
                              os.path.join(scratch, "log"))
        floor = PinnedServer("floor", [FLOOR, "--port", "{port}"], os.path.join(scratch, "floor-log"))
        try:
            one = load.Shape(1, 1)
            load.run(one, server.port, 1, os.path.join(scratch, "set"), SERVICE + "Set", 7)
            cost = measure({"hit": server, "check": server, "floor": floor},
                           chosen.rounds, count, scratch)
        finally:
            server.stop()
            floor.kill()
    return report(cost)


def report(cost: dict) -> int:
    """Prints the medians; what the exit code is to be."""
    ratio = {name: statistics.median(hit / other for hit, other in zip(cost["hit"], cost[name]))
             for name in ("floor", "check")}
    mid = {name: statistics.median(cost[name]) for name in cost}
    verdict = "reached" if ratio["floor"] <= MOST else "MISSED"
    print(f"CPU at {SHAPE}: a hit {mid['hit']:.2f} us, the same call without a cache "
          f"{mid['floor']:.2f} us; {ratio['floor']:.2f} x, at most {MOST:.2f}: {verdict}")
    print(f"the emptiest call {mid['check']:.2f} us; a hit is {ratio['check']:.2f} x")
    return 0 if ratio["floor"] <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
