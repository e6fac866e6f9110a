#!/usr/bin/env python3
"""User-space instructions that one Invoke takes, held to a threshold.

Instructions are repeatable where seconds are not, so they are what CI judges. callgrind counts the
server's while h2load sends it calls at 8 connections x 64 streams, once few and once many; the
difference over the difference in calls leaves start and end out.

    instructions.py [--accept]

With --accept the figure found becomes the new threshold. Exits 3 when valgrind is not there.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import load
import request_body
from invoke_cost import OURS, ROOT, commands
from pinned_server import PinnedServer

HERE = os.path.dirname(os.path.abspath(__file__))
THRESHOLDS = os.path.join(HERE, "Thresholds/instructions.json")
SHAPE = load.Shape(8, 64)
FEW, MANY = 2_048, 6_144


def counted(binary: str, calls: int, scratch: str) -> int:
    """Instructions of a server that starts, answers the calls, and ends."""
    body, preload = os.path.join(scratch, "body.bin"), os.path.join(scratch, "sigsuspend.so")
    with open(body, "wb") as file:
        file.write(request_body.framed())
    counts = os.path.join(scratch, f"callgrind.{calls}")
    command = ["valgrind", "--tool=callgrind", "--fair-sched=yes",
               f"--callgrind-out-file={counts}"]
    server = PinnedServer(OURS, command + commands(binary, os.path.join(scratch, f"{calls}"))[OURS],
                          os.path.join(scratch, f"{calls}.log"), preload=preload)
    try:
        load.run(SHAPE, server.port, calls, body)
    finally:
        server.stop()
    with open(counts) as report:
        found = re.search(r"^(?:totals|summary): (\d+)", report.read(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"instructions: {counts} has no total; did the server end by itself?")
    return int(found.group(1))


def per_call(binary: str) -> int:
    with tempfile.TemporaryDirectory(prefix="cadre-instructions-") as scratch:
        # Debian 12's valgrind gives up on the debug information of newer compilers.
        bare = os.path.join(scratch, "cadre")
        subprocess.run(["strip", "--strip-debug", "-o", bare, binary], check=True)
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", f"{scratch}/sigsuspend.so",
                        os.path.join(HERE, "writable_sigsuspend.c")], check=True)
        few, many = (counted(bare, calls, scratch) for calls in (FEW, MANY))
    return round((many - few) / (MANY - FEW))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", default=os.path.join(ROOT, ".build/release/cadre"))
    options.add_argument("--accept", action="store_true")
    chosen = options.parse_args()
    if shutil.which("valgrind") is None:
        print("instructions: valgrind is not here, nothing was counted")
        return 3
    found = per_call(chosen.binary)
    with open(THRESHOLDS) as file:
        thresholds = json.load(file)
    accepted, tolerance = thresholds["invoke_8x64"], thresholds["tolerance"]
    if chosen.accept:
        thresholds["invoke_8x64"] = found
        with open(THRESHOLDS, "w") as file:
            json.dump(thresholds, file, indent=2)
            file.write("\n")
        print(f"instructions: {found} per Invoke, accepted (before: {accepted})")
        return 0
    change = found / accepted - 1
    print(f"instructions: {found} per Invoke at {SHAPE}, {change:+.1%} of the accepted {accepted}")
    if change > tolerance:
        print(f"instructions: FAILED, more than {tolerance:.0%} above; find out why, or --accept it")
        return 1
    if change < -tolerance:
        print("instructions: well below; run with --accept to keep what was gained")
    return 0


if __name__ == "__main__":
    sys.exit(main())
