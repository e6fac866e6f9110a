#!/usr/bin/env python3
"""Request and response through AutoGen's gRPC host to a worker; host, worker and client are three
processes. Nothing is durable.

    run.py DIR PORT 0:CALLERS:COUNT...
"""

import asyncio
import logging
import os
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../common"))

import measured  # noqa: E402
from autogen_core import AgentId, try_get_known_serializers_for_type  # noqa: E402
from autogen_ext.runtimes.grpc import (  # noqa: E402
    GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost)
from messages import Echo, Say  # noqa: E402

SAYING = "NEWUSDT"


async def host(address: str) -> None:
    running = GrpcWorkerAgentRuntimeHost(address=address)
    running.start()
    print("ready", flush=True)
    await running.stop_when_signal()


async def connect(address: str) -> GrpcWorkerAgentRuntime:
    runtime = GrpcWorkerAgentRuntime(host_address=address)
    runtime.add_message_serializer(try_get_known_serializers_for_type(Say))
    await runtime.start()
    return runtime


async def worker(address: str) -> None:
    runtime = await connect(address)
    await Echo.register(runtime, "echo", lambda: Echo("answers what it is asked"))
    print("ready", flush=True)
    await runtime.stop_when_signal()


async def client(address: str, loads) -> None:
    runtime = await connect(address)
    for name, _steps, callers, count in loads:
        async def call(number: int) -> None:
            answer = await asyncio.wait_for(
                runtime.send_message(Say(SAYING), AgentId("echo", f"{number % callers}")), 60)
            measured.expect(answer, Say(SAYING))

        await measured.with_tasks("warm-up", callers, 2 * callers, call)
        await measured.with_tasks(name, callers, count, call)
    await runtime.stop()


def child(role: str, address: str) -> subprocess.Popen:
    """This program in another role, once it says that it is ready."""
    started = subprocess.Popen([sys.executable, __file__, role, address], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if started.stdout.readline() != "ready\n":
        raise SystemExit(f"autogen: the {role} did not start")
    return started


def main() -> None:
    logging.disable(logging.CRITICAL)
    if sys.argv[1] in ("host", "worker"):
        return asyncio.run({"host": host, "worker": worker}[sys.argv[1]](sys.argv[2]))
    address = f"127.0.0.1:{sys.argv[2]}"
    children = []
    try:
        for role in ("host", "worker"):
            children.append(child(role, address))
        asyncio.run(client(address, measured.loads(sys.argv[3:])))
    finally:
        for started in reversed(children):
            started.terminate()
            started.wait(timeout=30)


if __name__ == "__main__":
    main()
