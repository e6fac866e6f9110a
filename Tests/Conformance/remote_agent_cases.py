"""A remote agent in Python, served by the real binary: `remote_agent.py` under test."""

import contextlib
import json
import threading
import time

from cadre.v1 import agent_service_pb2 as pb
from cadre.v1 import breaker_service_pb2 as breakers
from cadre.v1 import common_pb2 as common
from cadre.v1 import workflow_service_pb2 as workflows

import remote_agent
from cases import expect, expect_equal

SECONDS = 30


@contextlib.contextmanager
def serving(server, operations, **options):
    """A remote agent that runs beside the body and has joined."""
    agent = remote_agent.RemoteAgent(f"127.0.0.1:{server.port}", "python-test", operations,
                                     **options)
    thread = threading.Thread(target=agent.run, daemon=True)
    thread.start()
    try:
        yield agent
    finally:
        agent.stop()
        thread.join(SECONDS)


def invoke(server, operation, payload=b"{}", **fields):
    """Calls the agent, waiting for it to join; the type must have been there once."""
    deadline = time.monotonic() + SECONDS
    while not server.agents.ListAgents(pb.ListAgentsRequest(agent_type="python-test"),
                                       timeout=SECONDS).agents:
        expect(time.monotonic() < deadline, "the agent did not join")
        time.sleep(0.02)
    return server.agents.Invoke(pb.InvokeRequest(
        agent_type="python-test", operation=operation, payload=common.Payload(data=payload),
        schedule_to_start_millis=SECONDS * 1000, **fields), timeout=SECONDS)


def a_python_agent_is_invoked(server):
    with serving(server, {"count": remote_agent.count}):
        response = invoke(server, "count", b'{"text": "one two three"}')
        expect(response.success, f"failed: {response.error}")
        expect_equal(json.loads(response.payload.data), {"words": 3}, "answer")
        failed = invoke(server, "count", b'{"txt": ""}')
        expect_equal(failed.error.type, "KeyError", "type of the failure")
        expect(not failed.error.retryable, "a missing key is retryable")


def a_python_agent_tells_its_progress(server):
    with serving(server, {"count": remote_agent.count}):
        invoke(server, "count", b'{"text": ""}')
        updates = list(server.agents.InvokeStream(pb.InvokeStreamRequest(invoke=pb.InvokeRequest(
            agent_type="python-test", operation="count",
            payload=common.Payload(data=b'{"text": "one"}'))), timeout=SECONDS))
        expect_equal([update.WhichOneof("update") for update in updates], ["progress", "result"],
                     "updates")
        expect_equal(updates[0].progress.chunk.data, b"1", "chunk")


def a_python_agent_says_how_it_is(server):
    with serving(server, {"count": remote_agent.count}):
        invoke(server, "count", b'{"text": ""}')
        health = server.agents.CheckHealth(pb.CheckHealthRequest(agent_type="python-test"),
                                           timeout=SECONDS)
        expect_equal(health.state, pb.HEALTH_STATE_HEALTHY, "state")
        expect_equal(len(health.agents), 1, "probes")


def a_broken_stream_loses_no_work(server):
    begun, go_on = threading.Event(), threading.Event()

    def slow(payload, _work):
        begun.set()
        go_on.wait(SECONDS)
        return payload

    with serving(server, {"slow": slow}, idempotent=False) as agent:
        answers = []
        caller = threading.Thread(
            target=lambda: answers.append(invoke(server, "slow", b'{"n": 1}')))
        caller.start()
        expect(begun.wait(SECONDS), "the work was not begun")
        agent.break_stream()
        time.sleep(0.1)
        go_on.set()
        caller.join(SECONDS)
        expect(answers and answers[0].success, f"the caller got {answers}")
        expect_equal(answers[0].metadata.attempts, 1, "attempts")


def a_python_agent_knows_the_operating_mode(server):
    def mode(_payload, work):
        return json.dumps({"given": work.mode, "known": agent.modes.get("default", 1)}).encode()

    def ask():
        return json.loads(invoke(server, "mode").payload.data)

    def force(**change):
        server.breakers.SetMode(breakers.SetModeRequest(reason="drill", **change), timeout=SECONDS)

    force(mode=breakers.OPERATING_MODE_DEGRADED)
    try:
        with serving(server, {"mode": mode}) as agent:
            expect_equal(ask(), {"given": pb.WORK_MODE_DEGRADED, "known": pb.WORK_MODE_DEGRADED},
                         "mode of a worker that has just joined")
            force(mode=breakers.OPERATING_MODE_EMERGENCY)
            expect_equal(ask(), {"given": pb.WORK_MODE_EMERGENCY, "known": pb.WORK_MODE_EMERGENCY},
                         "mode after a change")
    finally:
        force(release=True)


def a_next_attempt_goes_on_from_the_last_heartbeat(server):
    seen, lost = [], threading.Event()

    def stepwise(_payload, work):
        seen.append(work.last_heartbeat)
        if work.assignment.attempt == 1:
            work.heartbeat(b'{"done": 41}')
            # Another attempt is begun when this instance leaves.
            lost.wait(SECONDS)
            return b"{}"
        return json.dumps({"from": json.loads(work.last_heartbeat)["done"]}).encode()

    server.workflows.PutDefinition(workflows.PutDefinitionRequest(
        definition=workflows.WorkflowDefinition(name="python-steps", version="1", steps=[
            workflows.StepDefinition(id="s", agent_type="python-test", operation="stepwise")])),
        timeout=SECONDS)
    with serving(server, {"stepwise": stepwise}):
        run = server.workflows.StartRun(workflows.StartRunRequest(workflow="python-steps"),
                                        timeout=SECONDS).run_id
        deadline = time.monotonic() + SECONDS
        while not seen:
            expect(time.monotonic() < deadline, "the step was not begun")
            time.sleep(0.02)
        time.sleep(0.3)
    with serving(server, {"stepwise": stepwise}):
        ended = server.workflows.AwaitRun(workflows.AwaitRunRequest(
            run=workflows.RunReference(run_id=run)), timeout=SECONDS)
        lost.set()
        expect_equal(ended.run.status, workflows.RUN_STATUS_COMPLETED, "status")
        expect_equal(seen, [b"", b'{"done": 41}'], "heartbeats the attempts were given")


def a_drained_python_agent_finishes_first(server):
    begun, go_on = threading.Event(), threading.Event()

    def slow(payload, _work):
        begun.set()
        go_on.wait(SECONDS)
        return payload

    with serving(server, {"slow": slow}, idempotent=False, agent_id="python-test/drained") as agent:
        answers = []
        caller = threading.Thread(
            target=lambda: answers.append(invoke(server, "slow", b'{"n": 1}')))
        caller.start()
        expect(begun.wait(SECONDS), "the work was not begun")
        server.agents.DrainAgent(pb.DrainAgentRequest(agent_id="python-test/drained"),
                                 timeout=SECONDS)
        time.sleep(0.1)
        expect(not agent.has_left, "it left with work in its hands")
        go_on.set()
        caller.join(SECONDS)
        expect(answers and answers[0].success, f"the caller got {answers}")
        expect_equal(answers[0].metadata.attempts, 1, "attempts")
        deadline = time.monotonic() + SECONDS
        while not agent.has_left:
            expect(time.monotonic() < deadline, "it did not leave")
            time.sleep(0.02)


def what_is_cancelled_with_its_assignment_is_not_answered(server):
    agent = remote_agent.RemoteAgent(f"127.0.0.1:{server.port}", "python-test",
                                     {"count": remote_agent.count})
    agent.take(pb.ConnectResponse(
        assignments=[pb.WorkAssignment(token=7, operation="count", payload=common.Payload(
            data=b'{"text": ""}'))],
        cancelled=[7]))
    expect(agent.holds_nothing, "the cancelled work is held")


CASES = [
    a_python_agent_is_invoked, a_python_agent_tells_its_progress, a_python_agent_says_how_it_is,
    a_broken_stream_loses_no_work, a_python_agent_knows_the_operating_mode,
    a_next_attempt_goes_on_from_the_last_heartbeat, a_drained_python_agent_finishes_first,
    what_is_cancelled_with_its_assignment_is_not_answered,
]
