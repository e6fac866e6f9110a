#!/usr/bin/env python3
"""What one Invoke costs, beside grpc C++ in the same run.

Every server is pinned to core 0 and h2load to core 1. In each round each server takes each load
once in turn, so that a slow spell of the machine meets all of them. The figure is the server's CPU
time per call, user and system, of all its threads; a ratio is taken within a round, and its median
over the rounds is what the goals are held against. Requests per second are shown, never judged.

Where calls come alone (one stream a connection), nearly all of the price is the kernel's. What that
is, the bare sockets show: a C program that only waits, reads and writes as many bytes. No server's
ratio to a peer can be above the peer's cost divided by that; it is printed as the most there is.
"""

import os
import statistics
import sys
import tempfile

import bench_options
import load
import request_body
from pinned_server import PinnedServer

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PEER = os.path.join(ROOT, ".build/benchmarks/grpc_cpp/agent_server")
BOTH_BATCHED = load.Shape(8, 64)
ONE_EACH = load.Shape(8, 1)
SHAPES = [BOTH_BATCHED, ONE_EACH, load.Shape(64, 16), load.Shape(1, 1, client_core=0)]
# How many times less CPU than the better grpc C++ server.
GOALS = {BOTH_BATCHED: 4.0, ONE_EACH: 2.5}
OURS = "cadre"
PEERS = ["grpc C++ callback", "grpc C++ queue"]
FLOOR = "bare sockets"
BARE_SOCKETS = os.path.join(ROOT, ".build/benchmarks/bare_sockets")


def commands(binary: str, data: str) -> dict[str, list[str]]:
    """How to start each server."""
    return {
        OURS: [binary, "serve", "--with-echo", "--grpc-port", "{port}", "--console-port", "0",
               "--data", data, "--market", "simulator", "--loops", "1", "--log", "warning"],
        PEERS[0]: [PEER, "{port}", "callback"],
        PEERS[1]: [PEER, "{port}", "queue"],
        FLOOR: [os.path.join(BARE_SOCKETS, "echo_server"), "{port}"],
    }


def requests_for(name: str, shape: load.Shape, scale: float) -> int:
    """Enough calls for about a second of work, the same for a server in every round."""
    count = 40_000 if name == OURS else 12_000
    if shape.streams == 1:
        count //= 2 if shape.connections > 1 else 8
    in_flight = shape.connections * shape.streams
    return max(int(count * scale) // in_flight, 4) * in_flight


def takes(name: str, shape: load.Shape) -> bool:
    """The bare sockets know no streams."""
    return name != FLOOR or shape.streams == 1


def send(server, shape: load.Shape, count: int, body: str) -> float:
    """Sends the calls and returns how many were answered a second."""
    if server.name == FLOOR:
        return load.run_bare(shape, server.port, count, os.path.join(BARE_SOCKETS, "echo_load"))
    return load.run(shape, server.port, count, body)


def measure(servers, body: str, rounds: int, scale: float):
    """CPU microseconds per call and calls per second, by shape and server, one per round."""
    cpu, rate = {}, {}
    for number in range(rounds + 1):
        for shape in SHAPES:
            for server in servers:
                if not takes(server.name, shape):
                    continue
                count = requests_for(server.name, shape, scale)
                before = server.cpu_seconds()
                speed = send(server, shape, count, body)
                used = (server.cpu_seconds() - before) * 1e6 / count
                if number > 0:  # Round 0 warms the servers up.
                    cpu.setdefault((shape, server.name), []).append(used)
                    rate.setdefault((shape, server.name), []).append(speed)
        print(f"round {number} of {rounds} done" if number else "warm", file=sys.stderr)
    return cpu, rate


def report(servers, cpu, rate) -> None:
    print(f"\n{'load':15} {'server':20} {'CPU us/call':>12} {'spread':>15} {'calls/s':>9}")
    for shape in SHAPES:
        for server in servers:
            if not takes(server.name, shape):
                continue
            used = cpu[shape, server.name]
            spread = f"{min(used):.2f}-{max(used):.2f}"
            print(f"{str(shape):15} {server.name:20} {statistics.median(used):12.2f} "
                  f"{spread:>15} {statistics.median(rate[shape, server.name]):9.0f}")
    for server in servers:
        print(f"{server.name} holds {server.resident_mib():.0f} MiB")


def judge(cpu) -> bool:
    """Prints the paired ratios against the better peer and whether they reach the goals."""
    reached = True
    print(f"\n{'load':15} {'times less CPU than':20} {'paired':>8} {'most':>6} {'goal':>6}")
    for shape in SHAPES:
        ours = cpu[shape, OURS]
        ratios = {peer: statistics.median(p / o for p, o in zip(cpu[shape, peer], ours))
                  for peer in PEERS}
        better = min(ratios, key=ratios.get)
        goal = GOALS.get(shape)
        most = ""
        if takes(FLOOR, shape):
            floor = cpu[shape, FLOOR]
            most = f"{statistics.median(p / f for p, f in zip(cpu[shape, better], floor)):.2f}"
        verdict = "" if goal is None else ("PASS" if ratios[better] >= goal else "FALL SHORT")
        reached = reached and verdict != "FALL SHORT"
        print(f"{str(shape):15} {better:20} {ratios[better]:8.2f} {most:>6} {goal or '':>6} "
              f"{verdict}")
    return reached


def main() -> int:
    options = bench_options.parser(__doc__, "calls")
    options.add_argument("--binary", default=os.path.join(ROOT, ".build/release/cadre"))
    options.add_argument("--peers-only", action="store_true", help="leave Cadre out")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="cadre-bench-") as scratch:
        body = os.path.join(scratch, "body.bin")
        with open(body, "wb") as file:
            file.write(request_body.framed())
        wanted = commands(chosen.binary, os.path.join(scratch, "data"))
        if chosen.peers_only:
            del wanted[OURS]
        servers = []
        try:
            for number, (name, command) in enumerate(wanted.items()):
                servers.append(PinnedServer(name, command, f"{scratch}/server-{number}.log"))
            cpu, rate = measure(servers, body, chosen.rounds, chosen.scale)
            report(servers, cpu, rate)
        finally:
            for server in servers:
                server.stop()
    return 0 if chosen.peers_only or judge(cpu) else 1


if __name__ == "__main__":
    sys.exit(main())
