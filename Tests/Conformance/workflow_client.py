#!/usr/bin/env python3
"""A client of Cadre that knows nothing but grpcio and the files under proto/.

    workflow_client.py --port N [--console-port M]

Expects a server on a simulated exchange, started with --with-echo.
"""

import argparse
import sys
from dataclasses import dataclass

import grpc

import stubs
from cases import Cases

stubs.generate("cadre/v1/common.proto", "cadre/v1/agent_service.proto",
               "cadre/v1/breaker_service.proto", "cadre/v1/workflow_service.proto",
               "cadre/v1/ballot_service.proto", "cadre/v1/batch_service.proto",
               "cadre/v1/cache_service.proto", "cadre/v1/memory_service.proto",
               "cadre/v1/lock_service.proto", "cadre/v1/event_service.proto",
               "cadre/v1/admin_service.proto", "cadre/v1/monitor_service.proto",
               "google/rpc/status.proto", "google/rpc/error_details.proto")

import agent_cases  # noqa: E402  The stubs above must be there first.
import bad_input_cases  # noqa: E402
import ballot_cases  # noqa: E402
import batch_cases  # noqa: E402
import breaker_cases  # noqa: E402
import cache_cases  # noqa: E402
import console_cases  # noqa: E402
import event_cases  # noqa: E402
import monitor_cases  # noqa: E402
import remote_agent_cases  # noqa: E402
import sharing_cases  # noqa: E402
import standard_cases  # noqa: E402
import workflow_cases  # noqa: E402
from cadre.v1 import admin_service_pb2_grpc as admin  # noqa: E402
from cadre.v1 import agent_service_pb2_grpc as agents  # noqa: E402
from cadre.v1 import ballot_service_pb2_grpc as ballots  # noqa: E402
from cadre.v1 import batch_service_pb2_grpc as batches  # noqa: E402
from cadre.v1 import breaker_service_pb2_grpc as breakers  # noqa: E402
from cadre.v1 import cache_service_pb2_grpc as cache  # noqa: E402
from cadre.v1 import event_service_pb2_grpc as events  # noqa: E402
from cadre.v1 import lock_service_pb2_grpc as locks  # noqa: E402
from cadre.v1 import memory_service_pb2_grpc as memory  # noqa: E402
from cadre.v1 import monitor_service_pb2_grpc as monitor  # noqa: E402
from cadre.v1 import workflow_service_pb2_grpc as workflows  # noqa: E402

CASES = (agent_cases.CASES + ballot_cases.CASES + batch_cases.CASES
         + breaker_cases.CASES + cache_cases.CASES + workflow_cases.CASES
         + bad_input_cases.CASES + sharing_cases.CASES + standard_cases.CASES
         + monitor_cases.CASES + console_cases.CASES + remote_agent_cases.CASES
         + event_cases.CASES)


@dataclass(frozen=True)
class Server:
    """The server under test, as each case gets it."""

    channel: grpc.Channel
    agents: agents.AgentServiceStub
    breakers: breakers.BreakerServiceStub
    ballots: ballots.BallotServiceStub
    batches: batches.BatchServiceStub
    cache: cache.CacheServiceStub
    events: events.EventServiceStub
    workflows: workflows.WorkflowServiceStub
    admin: admin.AdminServiceStub
    monitor: monitor.MonitorServiceStub
    memory: memory.MemoryServiceStub
    locks: locks.LockServiceStub
    console_port: int
    port: int


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--console-port", type=int, required=True)
    chosen = options.parse_args()
    cases = Cases("workflow client")
    with grpc.insecure_channel(f"127.0.0.1:{chosen.port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=20)
        server = Server(channel, agents.AgentServiceStub(channel),
                        breakers.BreakerServiceStub(channel),
                        ballots.BallotServiceStub(channel),
                        batches.BatchServiceStub(channel),
                        cache.CacheServiceStub(channel),
                        events.EventServiceStub(channel),
                        workflows.WorkflowServiceStub(channel), admin.AdminServiceStub(channel),
                        monitor.MonitorServiceStub(channel),
                        memory.MemoryServiceStub(channel), locks.LockServiceStub(channel),
                        chosen.console_port, chosen.port)
        for case in CASES:
            cases.run(case.__name__, lambda case=case: case(server))
    return cases.close()


if __name__ == "__main__":
    sys.exit(main())
