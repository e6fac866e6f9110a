#!/usr/bin/env python3
"""The official gRPC interoperability cases that need neither compression nor a cloud.

    interop_client.py --port N

The cases are those of `interop-test-descriptions.md` of the gRPC project, with grpcio as client.
"""

import argparse
import sys
from dataclasses import dataclass

import grpc

import stubs
from cases import Cases

stubs.generate("grpc/testing/empty.proto", "grpc/testing/messages.proto", "grpc/testing/test.proto")

import interop_metadata  # noqa: E402  The stubs above must be there first.
import interop_streaming  # noqa: E402
import interop_unary  # noqa: E402
from grpc.testing import test_pb2_grpc  # noqa: E402

CASES = interop_unary.CASES + interop_streaming.CASES + interop_metadata.CASES


@dataclass(frozen=True)
class Server:
    """The server under test, as each case gets it."""

    target: str
    channel: grpc.Channel
    stub: test_pb2_grpc.TestServiceStub


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--port", type=int, required=True)
    target = f"127.0.0.1:{options.parse_args().port}"
    cases = Cases("interop")
    with grpc.insecure_channel(target) as channel:
        grpc.channel_ready_future(channel).result(timeout=20)
        server = Server(target, channel, test_pb2_grpc.TestServiceStub(channel))
        for case in CASES:
            cases.run(case.__name__, lambda case=case: case(server))
    return cases.close()


if __name__ == "__main__":
    sys.exit(main())
