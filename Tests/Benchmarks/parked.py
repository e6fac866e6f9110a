#!/usr/bin/env python3
"""What open runs cost that only wait: memory, a restart, and the speed of the others.

    parked.py [--runs N] [--rounds N] [--scale F] [--wait timer|signal|agent]

Two release servers: one holds 100,000 runs that wait, the other 100. In each round both execute
3-step workflows for 64 callers; the ratio is taken within a round. Then the one that holds many is
killed, and timed until it serves again with all of them. They wait for timers, then, on fresh
servers, for signals, then for an agent, unless one is asked for. Exits 1 when a goal is missed.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time

import workflow_load
from contenders import serve
from pinned_server import PinnedServer
from workflow_load import Load, ROOT

BUSY = Load(3, 64)
KIB_PER_RUN, START_SECONDS, RATE_KEPT = 2.0, 5.0, 0.9
WAITS = ["timer", "signal", "agent"]
FEW = 100


class Servers:
    """The two, each on a directory of its own."""

    def __init__(self, binary: str, scratch: str):
        self._binary = binary
        self._scratch = scratch
        self.empty = self.start("empty")
        self.full = self.start("full")

    def start(self, name: str) -> PinnedServer:
        command = serve(self._binary, os.path.join(self._scratch, name))
        return PinnedServer(name, command, os.path.join(self._scratch, f"{name}.log"), core=None)

    def restart_full(self) -> float:
        """Seconds from a start after a kill to the first answer."""
        self.full.kill()
        began = time.monotonic()
        self.full = self.start("full")
        workflow_load.run(Load(0, 1), self.full.port, 1)
        return time.monotonic() - began

    def stop(self) -> None:
        self.empty.stop()
        self.full.stop()


def rates(servers: Servers, rounds: int, count: int) -> list[tuple[float, float]]:
    """(beside waiting runs, alone) of each round, workflows a second; who begins changes."""
    found = []
    for number in range(rounds):
        order = [servers.full, servers.empty]
        if number % 2:
            order.reverse()
        rate = {server.name: workflow_load.run(BUSY, server.port, count, warm_up=64).per_second
                for server in order}
        found.append((rate["full"], rate["empty"]))
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", default=os.path.join(ROOT, ".build/release/cadre"))
    options.add_argument("--runs", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--scale", type=float, default=1.0, help="of the workflows in a round")
    options.add_argument("--wait", choices=WAITS, help="default: all, one after the other")
    chosen = options.parse_args()
    waits = [chosen.wait] if chosen.wait else WAITS
    return 0 if all([measure(chosen, wait) for wait in waits]) else 1


def measure(chosen, wait: str) -> bool:
    """Whether runs that wait like this keep to the goals."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.join(ROOT, ".build")) as scratch:
        servers = Servers(chosen.binary, scratch)
        try:
            before = servers.full.resident_mib()
            workflow_load.park(servers.empty.port, FEW, wait)
            workflow_load.park(servers.full.port, chosen.runs, wait)
            held = servers.full.resident_mib() - before
            found = rates(servers, chosen.rounds, max(64, int(3_000 * chosen.scale)))
            start = servers.restart_full()
            recovered = servers.full.resident_mib()
        finally:
            servers.stop()
    print(f"{chosen.runs} runs that wait ({wait}): the server grew by {held:.0f} MiB; restarted "
          f"it holds {recovered:.0f} MiB in all")
    return judge(held * 1024 / chosen.runs, start, found)


def judge(kib: float, start: float, found: list[tuple[float, float]]) -> bool:
    kept = statistics.median(beside / alone for beside, alone in found)
    alone = statistics.median(rate for _, rate in found)
    print(f"3-step workflows a second beside {FEW} of them: {alone:.0f}")
    goals = [("KiB a waiting run", kib, f"at most {KIB_PER_RUN}", kib <= KIB_PER_RUN),
             ("restart, seconds", start, f"at most {START_SECONDS}", start <= START_SECONDS),
             ("share of that rate", kept, f"at least {RATE_KEPT}", kept >= RATE_KEPT)]
    for what, figure, limit, holds in goals:
        print(f"{what:20} {figure:7.2f}  {limit:14} {'PASS' if holds else 'FALL SHORT'}")
    return all(holds for *_, holds in goals)


if __name__ == "__main__":
    sys.exit(main())
