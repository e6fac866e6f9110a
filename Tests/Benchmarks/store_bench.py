#!/usr/bin/env python3
"""Holds the store against a bare C loop with the same schema, statements and rows.

Rounds are interleaved (every program and batch size once a round, in turn), ratios are taken within
a round, and medians shown: this way a slow phase of the disk hits both. A round begins with an
empty store. `--dir` chooses the disk.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GOAL_RATIO = 0.7
GOAL_STEPS = {64: 25_000, 256: 38_000}


def build_raw(folder):
    program = folder / "store_raw"
    subprocess.run(
        ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program,
         HERE / "store_raw" / "store_raw.c", "-lsqlite3"], check=True)
    return program


def measure(command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout)
    steps = figures["steps"]
    return {
        "steps/s": steps / figures["seconds"],
        "cpu us/step": figures["cpu_seconds"] / steps * 1e6,
        "KB/step": figures["written_bytes"] / steps / 1e3,
        "p50 us": figures["p50_us"],
        "p99 us": figures["p99_us"],
    }


def one_round(programs, batches, seconds, parent):
    figures = {}
    for batch in batches:
        for name in programs:
            directory = pathlib.Path(tempfile.mkdtemp(prefix="store-bench-", dir=parent))
            try:
                subprocess.run([programs["StoreBench"], directory, "create"], check=True)
                place = directory / "cadre.sqlite" if name == "store_raw" else directory
                figures[name, batch] = measure(
                    [programs[name], place, str(batch), str(seconds)])
            finally:
                shutil.rmtree(directory)
    return figures


def median(rounds, name, batch, figure):
    return statistics.median(one[name, batch][figure] for one in rounds)


def report(rounds, programs, batches):
    columns = ["steps/s", "cpu us/step", "KB/step", "p50 us", "p99 us"]
    print(f"{'batch':>5}  {'program':<11}" + "".join(f"{c:>13}" for c in columns))
    missed = []
    for batch in batches:
        for name in programs:
            values = [median(rounds, name, batch, column) for column in columns]
            print(f"{batch:>5}  {name:<11}" + "".join(f"{value:>13,.1f}" for value in values))
        ratio = statistics.median(
            one["StoreBench", batch]["steps/s"] / one["store_raw", batch]["steps/s"]
            for one in rounds)
        print(f"{batch:>5}  ratio      {ratio:>13.2f}")
        if ratio < GOAL_RATIO:
            missed.append(f"batch {batch}: {ratio:.2f} x the C loop, the goal is {GOAL_RATIO}")
        steps = median(rounds, "StoreBench", batch, "steps/s")
        if steps < GOAL_STEPS.get(batch, 0):
            missed.append(f"batch {batch}: {steps:,.0f} steps/s, the goal is {GOAL_STEPS[batch]:,}")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=pathlib.Path, default=ROOT / ".build/release/StoreBench")
    parser.add_argument("--dir", type=pathlib.Path, default=None, help="where the stores lie")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64, 256])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        programs = {"store_raw": build_raw(pathlib.Path(folder)), "StoreBench": arguments.bench}
        rounds = []
        for number in range(arguments.rounds):
            order = programs if number % 2 == 0 else dict(reversed(programs.items()))
            rounds.append(one_round(order, arguments.batches, arguments.seconds, arguments.dir))
    missed = report(rounds, programs, arguments.batches)
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
