#!/usr/bin/env python3
"""A client or a worker in Python with grpcio and nothing of ours; runs in .build/venv.

    python_side.py PORT work
    python_side.py PORT STEPS:CALLERS:COUNT...

Both are tasks of one asyncio loop. The client makes each load's calls (0 steps: invokes), and prints
a line of JSON for each load. How a worker is written that others depend on shows
Tests/Conformance/remote_agent.py.
"""

import asyncio
import os
import sys

import grpc

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "../Conformance"), os.path.join(HERE, "peers/common")]

import measured  # noqa: E402
import stubs  # noqa: E402

stubs.generate("cadre/v1/common.proto", "cadre/v1/agent_service.proto",
               "cadre/v1/breaker_service.proto", "cadre/v1/ballot_service.proto",
               "cadre/v1/batch_service.proto", "cadre/v1/workflow_service.proto")

from cadre.v1 import agent_service_pb2 as agents  # noqa: E402
from cadre.v1 import agent_service_pb2_grpc as agents_rpc  # noqa: E402
from cadre.v1 import common_pb2 as common  # noqa: E402
from cadre.v1 import workflow_service_pb2 as workflows  # noqa: E402
from cadre.v1 import workflow_service_pb2_grpc as workflows_rpc  # noqa: E402

AGENT = "python-echo"
INPUT = common.Payload(data=b'{"symbol":"NEWUSDT"}')
SLOTS = 64
# No call may take longer.
CALL_SECONDS = 60
WARM_UP = 100


async def work(server: str) -> None:
    """Returns every input, until the server ends. It says something to all that it hears, which is
    enough to keep its lease: the server says something in every third of it."""
    agent = agents.WorkerAgent(type=AGENT, operations=[agents.Operation(name="say")])
    async with grpc.aio.insecure_channel(server) as channel:
        stream = agents_rpc.AgentServiceStub(channel).Connect()
        await stream.write(agents.ConnectRequest(hello=agents.Hello(agent=agent), ready=SLOTS))
        while (heard := await stream.read()) is not grpc.aio.EOF:
            results = [agents.WorkResult(token=assignment.token, payload=assignment.payload)
                       for assignment in heard.assignments]
            await stream.write(agents.ConnectRequest(results=results, ready=len(results)))


def chain(steps: int) -> workflows.PutDefinitionRequest:
    """Steps one after the other, each of which hands the output of the one before on."""
    request = workflows.PutDefinitionRequest()
    definition = request.definition
    definition.name, definition.version = f"python-{steps}", "1"
    for number in range(steps):
        step = definition.steps.add(id=f"s{number}", agent_type=AGENT, operation="say")
        if number:
            step.depends_on.append(f"s{number - 1}")
            step.input_template = f'"${{steps.s{number - 1}.output}}"'
    definition.result_template = f'"${{steps.s{steps - 1}.output}}"'
    return request


async def load(channel: grpc.aio.Channel, name: str, steps: int, callers: int, count: int) -> None:
    invoke = agents_rpc.AgentServiceStub(channel).Invoke
    execute = workflows_rpc.WorkflowServiceStub(channel).ExecuteRun
    start = workflows.StartRunRequest(workflow=f"python-{steps}", input=INPUT)
    asked = workflows.ExecuteRunRequest(start=start)
    request = agents.InvokeRequest(agent_type=AGENT, operation="say", payload=INPUT)

    async def call(_: int) -> None:
        if steps == 0:
            answer = await invoke(request, timeout=CALL_SECONDS)
            measured.expect(answer.payload.data, INPUT.data)
        else:
            ended = await execute(asked, timeout=CALL_SECONDS)
            measured.expect(ended.result.data, INPUT.data)

    for number in range(WARM_UP):
        await call(number)
    await measured.with_tasks(name, callers, count, call)


async def client(server: str, words: list[str]) -> None:
    async with grpc.aio.insecure_channel(server) as channel:
        stub = workflows_rpc.WorkflowServiceStub(channel)
        for name, steps, callers, count in measured.loads(words):
            if steps:
                await stub.PutDefinition(chain(steps), timeout=CALL_SECONDS)
            await load(channel, name, steps, callers, count)


if __name__ == "__main__":
    address = f"127.0.0.1:{sys.argv[1]}"
    if sys.argv[2:] == ["work"]:
        asyncio.run(work(address))
    else:
        asyncio.run(client(address, sys.argv[2:]))
