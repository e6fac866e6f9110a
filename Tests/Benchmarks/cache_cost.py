#!/usr/bin/env python3
"""What a hit in the shared cache costs over gRPC, beside the cheapest call there is.

    cache_cost.py [--rounds N] [--scale F]

The release server is pinned to core 0 and h2load to core 1. In each round it takes `CacheService.Get`
of a value of 100 bytes, and the health service's `Check`, which does nothing but answer, once in turn
at 8 connections x 64 streams. Figures are the server's CPU time per call; the ratio is taken within a
round, medians over the rounds. Exits 1 when a hit costs more than a tenth more.
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
    "get": (SERVICE + "Get", len(VALUE)),
    "check": ("/grpc.health.v1.Health/Check", 7),
}


def send(server: PinnedServer, name: str, count: int, scratch: str) -> float:
    """CPU microseconds that each of the calls cost the server."""
    path, least = CALLED[name]
    before = server.cpu_seconds()
    load.run(SHAPE, server.port, count, os.path.join(scratch, name), path, least)
    return (server.cpu_seconds() - before) * 1e6 / count


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--scale", type=float, default=1.0)
    chosen = options.parse_args()
    in_flight = SHAPE.connections * SHAPE.streams
    count = max(1, int(CALLS * chosen.scale) // in_flight) * in_flight
    cost = {name: [] for name in CALLED}
    with tempfile.TemporaryDirectory() as scratch:
        for name, body in BODIES.items():
            with open(os.path.join(scratch, name), "wb") as file:
                file.write(body)
        server = PinnedServer("cadre", serve(BINARY, os.path.join(scratch, "data")) + ["--loops", "1"],
                              os.path.join(scratch, "log"))
        try:
            one = load.Shape(1, 1)
            load.run(one, server.port, 1, os.path.join(scratch, "set"), SERVICE + "Set", 7)
            for number in range(chosen.rounds + 1):
                for name in CALLED:
                    used = send(server, name, count, scratch)
                    if number > 0:  # Round 0 warms the server up.
                        cost[name].append(used)
        finally:
            server.stop()
    hit, call = statistics.median(cost["get"]), statistics.median(cost["check"])
    ratio = statistics.median(one / other for one, other in zip(cost["get"], cost["check"]))
    verdict = "reached" if ratio <= MOST else "MISSED"
    print(f"CPU at {SHAPE}: a hit {hit:.2f} us, a call that only answers {call:.2f} us; "
          f"{ratio:.2f} x, at most {MOST:.2f}: {verdict}")
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
