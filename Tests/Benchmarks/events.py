#!/usr/bin/env python3
"""The fan-out of events: one publisher's publications to many volatile subscribers.

    events.py [--count N] [--rounds N] [--subscribers N] [--scale F] [--binary PATH]

A release server on a directory of its own, pinned to one core; the compiled client on the others.
Every publication is on disk before it is told. Counted is what the subscribers had, each publication
once and in order, against the server's CPU time, publishing included: deliveries a second of one
core. Exits 1 below the goal.
"""

import argparse
import os
import statistics
import sys
import tempfile

import workflow_load
from contenders import serve
from pinned_server import PinnedServer
from workflow_load import ROOT

GOAL = 250_000


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--subscribers", type=int, default=100)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--binary", default=os.path.join(ROOT, ".build/release/cadre"))
    chosen = options.parse_args()
    count = max(100, int(chosen.count * chosen.scale))
    rates = []
    with tempfile.TemporaryDirectory() as scratch:
        command = serve(chosen.binary, os.path.join(scratch, "data"))
        server = PinnedServer("cadre", command, os.path.join(scratch, "log"))
        workflow_load.fan_out(server.port, 100, chosen.subscribers, 64)
        for number in range(chosen.rounds):
            before = server.cpu_seconds()
            seconds = workflow_load.fan_out(server.port, count, chosen.subscribers, 64)
            cpu = server.cpu_seconds() - before
            deliveries = count * chosen.subscribers
            rates.append(deliveries / cpu)
            print(f"round {number + 1}: {deliveries / seconds:,.0f} deliveries/s, "
                  f"{deliveries / cpu:,.0f} a second of a core, "
                  f"{cpu / count * 1e6:,.0f} us a publication")
        server.stop()
    median = statistics.median(rates)
    verdict = "reached" if median >= GOAL else "MISSED"
    print(f"fan-out to {chosen.subscribers}: {median:,.0f} deliveries a second of a core, "
          f"goal {GOAL:,}: {verdict}")
    return 0 if median >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
