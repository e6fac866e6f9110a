#!/usr/bin/env python3
"""Clients that break the rules, by mistake or with intent, against the interoperability server.

    hostile.py --port N

After each case a well-behaved client must be served as before. Everything stays on the loopback
address, and every flood has an end.
"""

import argparse
import sys

import grpc

import hostile_calls
import hostile_floods
import hostile_frames
from cases import Cases, expect_equal

CASES = hostile_calls.CASES + hostile_frames.CASES + hostile_floods.CASES


def good_call(port: int) -> None:
    """A call of a well-behaved client on a connection of its own."""
    alone = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=alone) as channel:
        response = channel.unary_unary("/grpc.testing.TestService/EmptyCall")(b"", timeout=10)
        expect_equal(response, b"", "response to the well-behaved client")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--port", type=int, required=True)
    port = options.parse_args().port

    def attack(case):
        case(port)
        good_call(port)

    cases = Cases("hostile")
    for case in CASES:
        cases.run(case.__name__, lambda case=case: attack(case))
    return cases.close()


if __name__ == "__main__":
    sys.exit(main())
