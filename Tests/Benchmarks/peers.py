#!/usr/bin/env python3
"""Cadre beside durable workflow engines and an agent runtime, in one interleaved run.

In each round every contender takes its loads once, on a fresh store and with fixed small counts;
who begins changes from round to round. Ratios are taken within a round, their median is what the
goals are held against. A peer that cannot be installed is skipped, and named at the end.

    peers.py [--rounds N] [--scale F] [--only NAME,NAME]

Exits 1 when a goal is missed.
"""

import argparse
import os
import statistics
import sys
import tempfile

from contenders import Cadre, Peer, Rate
from remote_worker import AGENT as REMOTE
from workflow_load import Load, ROOT

ONE, THREE = Load(1, 64), Load(3, 64)
ONE_ALONE, THREE_ALONE = Load(1, 1), Load(3, 1)
INVOKE, INVOKE_ALONE = Load(0, 64, REMOTE), Load(0, 1, REMOTE)
# At least so many times the peer's rate.
GOALS = {("Temporal", ONE): 100, ("Temporal", THREE): 100, ("DBOS", ONE): 30, ("DBOS", THREE): 30,
         ("LangGraph", THREE): 15, ("AutoGen", INVOKE): 20}
OURS = "cadre"


def scaled(counts: dict[Load, int], scale: float) -> dict[Load, int]:
    return {load: max(load.callers, int(count * scale)) for load, count in counts.items()}


def contenders(binary: str, scale: float) -> list:
    def peer(name: str, folder: str, counts: dict[Load, int], **options) -> Peer:
        return Peer(name, folder, scaled(counts, scale), **options)

    few = {ONE: 96, THREE: 64, ONE_ALONE: 10, THREE_ALONE: 6}
    ours = {ONE: 4_000, THREE: 2_000, ONE_ALONE: 300, THREE_ALONE: 150, INVOKE: 20_000,
            INVOKE_ALONE: 1_000}
    return [
        Cadre(binary, scaled(ours, scale)),
        peer("Temporal", "temporal", few, takes_port=True),
        peer("Temporal, WAL", "temporal", few, takes_port=True, extra=["--wal"]),
        peer("DBOS", "dbos", {ONE: 192, THREE: 96, ONE_ALONE: 40, THREE_ALONE: 20}),
        peer("LangGraph", "langgraph", {THREE: 256, THREE_ALONE: 50}),
        peer("AutoGen", "autogen", {INVOKE: 1_500, INVOKE_ALONE: 200}, takes_port=True),
    ]


def measure(taking_part: list, rounds: int, parent: str) -> dict[str, list[dict[Load, Rate]]]:
    found = {contender.name: [] for contender in taking_part}
    for number in range(rounds):
        first = number % len(taking_part)
        for contender in taking_part[first:] + taking_part[:first]:
            with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as scratch:
                found[contender.name].append(contender.round(scratch))
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    return found


def report(found: dict[str, list[dict[Load, Rate]]]) -> None:
    print(f"\n{'load':26} {'contender':16} {'a second':>10} {'spread':>17} {'p50 ms':>9}")
    for load in dict.fromkeys(load for rounds in found.values() for load in rounds[0]):
        for name, rounds in found.items():
            if load in rounds[0]:
                rates = [taken[load].per_second for taken in rounds]
                p50 = statistics.median(taken[load].p50_ms for taken in rounds)
                print(f"{str(load):26} {name:16} {statistics.median(rates):10.1f} "
                      f"{f'{min(rates):.1f}-{max(rates):.1f}':>17} {p50:9.2f}")


def ratio(ours: Rate, theirs: Rate, load: Load) -> float:
    """How many times better we are: in rate, or in latency when one client calls."""
    if load.callers == 1:
        return theirs.p50_ms / ours.p50_ms
    return ours.per_second / theirs.per_second


def judge(found: dict[str, list[dict[Load, Rate]]]) -> bool:
    reached = True
    print(f"\n{'load':26} {'against':16} {'ratio':>8} {'spread':>15} {'goal':>6}")
    for name, rounds in found.items():
        for load in rounds[0] if name != OURS else []:
            ratios = [ratio(ours[load], theirs[load], load)
                      for ours, theirs in zip(found[OURS], rounds)]
            middle, goal = statistics.median(ratios), GOALS.get((name, load))
            verdict = "" if goal is None else "PASS" if middle >= goal else "FALL SHORT"
            reached = reached and verdict != "FALL SHORT"
            print(f"{str(load):26} {name:16} {middle:8.1f} "
                  f"{f'{min(ratios):.1f}-{max(ratios):.1f}':>15} {goal or '':>6} {verdict}")
    return reached


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", default=os.path.join(ROOT, ".build/release/cadre"))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--scale", type=float, default=1.0, help="of the calls in a round")
    options.add_argument("--only", help="peers, with commas between; Cadre is always there")
    chosen = options.parse_args()
    wanted = contenders(chosen.binary, chosen.scale)
    if chosen.only:
        wanted = [c for c in wanted if c.name == OURS or c.name in chosen.only.split(",")]
    faults = {contender.name: contender.install() for contender in wanted}
    taking_part = [contender for contender in wanted if faults[contender.name] is None]
    if faults[OURS] is not None:
        raise SystemExit(f"bench: {faults[OURS]}; use `make bench-peers`")
    found = measure(taking_part, chosen.rounds, os.path.join(ROOT, ".build"))
    report(found)
    reached = judge(found)
    for name, fault in faults.items():
        if fault is not None:
            print(f"\nSKIPPED {name}: {fault}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
