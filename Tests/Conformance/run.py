#!/usr/bin/env python3
"""Starts the real binaries and lets the foreign programs at them.

    run.py [--build-folder .build/debug] [--only NAME]

Needs only Python's standard library itself; the programs run in .build/venv. When that cannot be
made because PyPI is out of reach, it says so and counts them as skipped.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

from server_process import ServerProcess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../.."))
# The longest a program may take: four times what the slowest takes on two busy cores.
PROGRAM_SECONDS = 900


@dataclass
class Program:
    """A foreign program, the server it is for, and the arguments it wants."""

    name: str
    server: str
    arguments: list[str] = field(default_factory=list)


PROGRAMS = [
    Program("interop_client.py", "interop", ["--port", "{port}"]),
    Program("hostile.py", "interop", ["--port", "{port}"]),
    Program("workflow_client.py", "cadre",
            ["--port", "{port}", "--console-port", "{console_port}"]),
    Program("bad_input_sweep.py", "cadre", ["--port", "{port}", "--pid", "{pid}"]),
]


def python_of_venv() -> str | None:
    """The Python that has grpcio; None when it cannot be had."""
    made = subprocess.run([os.path.join(ROOT, ".ci/venv")], stdout=subprocess.PIPE, text=True)
    if made.returncode == 0:
        return made.stdout.strip()
    if made.returncode == 3:
        return None
    raise SystemExit("conformance: .build/venv could not be made; is python3-venv installed?")


def start(server: str, folder: str, scratch: str) -> ServerProcess:
    """Starts one of the servers on free ports and waits until it listens."""
    if server == "interop":
        command = [os.path.join(folder, "InteropServer"), "--port", "{port}"]
    else:
        command = [os.path.join(folder, "cadre"), "serve", "--with-echo", "--grpc-port", "{port}",
                   "--console-port", "{console_port}", "--data", os.path.join(scratch, "data"),
                   "--market", "simulator"]
    return ServerProcess(server, command, os.path.join(scratch, f"{server}.log"))


def run(program: Program, python: str, folder: str) -> tuple[int, int]:
    """How many cases of the program passed and failed; no count at all is one failure."""
    print(f"-- {program.name}", flush=True)
    with tempfile.TemporaryDirectory(prefix="cadre-conformance-") as scratch:
        server = start(program.server, folder, scratch)
        try:
            output = _output([python, os.path.join(HERE, program.name)]
                             + server.fill(program.arguments))
        finally:
            survived = server.stop()
    counts = re.findall(r": (\d+) passed, (\d+) failed$", output, re.MULTILINE)
    if not counts:
        print(f"  FAILED {program.name} ended without a count")
        return 0, 1
    passed, failed = map(int, counts[-1])
    if not survived:
        print(f"  FAILED the server did not end well; its last words:\n{server.last_words}")
        failed += 1
    return passed, failed


def _output(command: list[str]) -> str:
    """Runs the command, shows its output as it comes, and returns it."""
    process = subprocess.Popen(["timeout", str(PROGRAM_SECONDS)] + command, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    process.wait()
    return "".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build-folder", default=os.path.join(ROOT, ".build/debug"))
    options.add_argument("--only", help="the file name of one program")
    chosen = options.parse_args()
    programs = [p for p in PROGRAMS if chosen.only in (None, p.name)]
    python = python_of_venv()
    if python is None:
        print("conformance: PYPI CANNOT BE REACHED, so no foreign program was run:",
              ", ".join(p.name for p in programs))
        print(f"conformance: 0 passed, 0 failed, {len(programs)} skipped")
        return 0
    counts = [run(program, python, chosen.build_folder) for program in programs]
    failed = sum(count[1] for count in counts)
    print(f"conformance: {sum(count[0] for count in counts)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
