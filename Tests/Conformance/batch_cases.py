"""Batches, handed to a remote agent in Python and filled as foreign clients fill them."""

import contextlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from cadre.v1 import agent_service_pb2 as agents
from cadre.v1 import batch_service_pb2 as pb
from cadre.v1 import common_pb2 as common

import remote_agent
from bad_input_cases import _bad_fields as bad_fields
from bad_input_cases import _refused as refused
from cases import expect, expect_equal

SECONDS = 30


class Adder:
    """Adds one to every item; refuses items that are no numbers; remembers what it was given."""

    def __init__(self):
        self.batches = []
        self.gate = threading.Event()
        self.gate.set()

    def add(self, payload, work):
        """Adds one."""
        items = json.loads(payload)["items"]
        self.batches.append(items)
        self.gate.wait(SECONDS)
        if "boom" in items:
            raise RuntimeError("boom")
        results = [{"value": item + 1} if isinstance(item, int) else
                   {"failure": {"type": "no_number", "message": f"{item!r} is none"}}
                   for item in items]
        return json.dumps({"results": results}).encode()


@contextlib.contextmanager
def adder(server):
    """A remote agent of type `python-adder` that has joined."""
    adder = Adder()
    agent = remote_agent.RemoteAgent(f"127.0.0.1:{server.port}", "python-adder",
                                     {"add": adder.add})
    thread = threading.Thread(target=agent.run, daemon=True)
    thread.start()
    listed = agents.ListAgentsRequest(agent_type="python-adder")
    try:
        deadline = time.monotonic() + SECONDS
        while not server.agents.ListAgents(listed, timeout=SECONDS).agents:
            expect(time.monotonic() < deadline, "the adder did not join")
            time.sleep(0.02)
        yield adder
    finally:
        adder.gate.set()
        agent.stop()
        thread.join(SECONDS)
        deadline = time.monotonic() + SECONDS
        while server.agents.ListAgents(listed, timeout=SECONDS).agents:
            expect(time.monotonic() < deadline, "the adder did not leave")
            time.sleep(0.02)


def configure(server, operation, **fields):
    return server.batches.ConfigureBatch(pb.ConfigureBatchRequest(batch=pb.BatchDefinition(
        operation=operation, agent_type="python-adder", agent_operation="add", **fields)),
        timeout=SECONDS).batch


def submit(server, operation, item, **fields):
    return server.batches.Submit(pb.SubmitRequest(
        operation=operation, payload=common.Payload(data=json.dumps(item).encode()), **fields),
        timeout=SECONDS).outcome


def stats(server, operation):
    return server.batches.GetBatchStats(
        pb.GetBatchStatsRequest(operation=operation), timeout=SECONDS).batches[0]


def callers_share_a_batch_and_each_gets_its_own(server):
    with adder(server) as agent, ThreadPoolExecutor(3) as pool:
        filled = configure(server, "py-share", max_items=3, max_delay_millis=60_000)
        expect_equal((filled.max_bytes, filled.max_in_flight), (1_000_000, 4), "defaults")
        calls = {item: pool.submit(submit, server, "py-share", item) for item in (1, 2, "x")}
        outcomes = {item: call.result(SECONDS) for item, call in calls.items()}
        expect_equal(outcomes[1].payload.data, b"2", "result of 1")
        expect_equal(outcomes[2].payload.data, b"3", "result of 2")
        expect_equal(outcomes["x"].error.type, "no_number", "failure of x")
        expect_equal({o.batch_items for o in outcomes.values()}, {3}, "items in the batch")
        expect_equal(len(agent.batches), 1, "batches")
        expect_equal(stats(server, "py-share").left_by_items, 1, "batches that left full")


def a_lone_item_leaves_when_its_delay_ends(server):
    with adder(server):
        configure(server, "py-lone", max_items=100, max_delay_millis=150)
        outcome = submit(server, "py-lone", 41)
        expect_equal(outcome.payload.data, b"42", "result")
        expect(150_000 <= outcome.waited_micros < SECONDS * 1e6, f"waited {outcome.waited_micros}")
        expect_equal(stats(server, "py-lone").left_by_delay, 1, "batches that left by delay")


def a_flush_does_not_wait(server):
    with adder(server), ThreadPoolExecutor(1) as pool:
        configure(server, "py-flush", max_items=100, max_delay_millis=3_600_000)
        call = pool.submit(submit, server, "py-flush", 1)
        deadline = time.monotonic() + SECONDS
        while stats(server, "py-flush").waiting_items == 0:
            expect(time.monotonic() < deadline, "the item does not wait")
            time.sleep(0.02)
        flushed = server.batches.Flush(pb.FlushRequest(operation="py-flush"), timeout=SECONDS)
        expect_equal(flushed.items, 1, "items that waited")
        expect_equal(call.result(SECONDS).payload.data, b"2", "result")


def a_failed_batch_is_tried_item_by_item(server):
    with adder(server) as agent:
        configure(server, "py-retry", max_items=3, max_delay_millis=60_000, max_attempts=2,
                  retry_millis=5, on_failure=pb.BATCH_FAILURE_POLICY_RETRY_ITEMS)
        response = server.batches.SubmitMany(pb.SubmitManyRequest(
            operation="py-retry", items=[pb.BatchItem(payload=common.Payload(data=data))
                                         for data in (b"1", b'"boom"', b"3")]), timeout=SECONDS)
        expect_equal([o.payload.data for o in response.outcomes], [b"2", b"", b"4"], "results")
        expect_equal(response.outcomes[1].error.type, "RuntimeError", "the one that is to blame")
        expect_equal(response.succeeded, 2, "succeeded")
        expect_equal(sorted(map(len, agent.batches)), [1, 1, 1, 3], "sizes of the batches")


def a_full_line_pushes_back(server):
    with adder(server) as agent, ThreadPoolExecutor(4) as pool:
        agent.gate.clear()
        configure(server, "py-full", max_items=1, max_in_flight=1, max_waiting=2)
        calls = [pool.submit(submit, server, "py-full", item) for item in range(3)]
        deadline = time.monotonic() + SECONDS
        while stats(server, "py-full").waiting_items < 2:
            expect(time.monotonic() < deadline, "the line does not fill")
            time.sleep(0.02)
        error = refused(lambda: submit(server, "py-full", 9),
                        grpc.StatusCode.RESOURCE_EXHAUSTED, "py-full")
        trailers = {pair.key: pair.value for pair in error.trailing_metadata()}
        expect(int(trailers["grpc-retry-pushback-ms"]) > 0, f"no pushback in {trailers}")
        refused(lambda: server.batches.DeleteBatch(
            pb.DeleteBatchRequest(operation="py-full"), timeout=SECONDS),
            grpc.StatusCode.FAILED_PRECONDITION, "items")
        agent.gate.set()
        expect_equal({c.result(SECONDS).payload.data for c in calls}, {b"1", b"2", b"3"}, "results")
        server.batches.DeleteBatch(pb.DeleteBatchRequest(operation="py-full"), timeout=SECONDS)


def an_item_with_a_name_is_carried_out_once(server):
    with adder(server) as agent:
        configure(server, "py-named", max_items=1)
        first = submit(server, "py-named", 1, request_id="a", durable=True)
        again = submit(server, "py-named", 1, request_id="a", durable=True)
        expect_equal((first.payload.data, first.repeated), (b"2", False), "the first time")
        expect_equal((again.payload.data, again.repeated), (b"2", True), "the second time")
        expect_equal(agent.batches, [[1]], "what the agent was given")
        error = refused(lambda: submit(server, "py-named", 2, request_id="a", durable=True),
                        grpc.StatusCode.INVALID_ARGUMENT)
        expect("request_id" in bad_fields(error), f"only {bad_fields(error)}")


# Of every RPC: a wrong request, the status it gets, and fields that must be named.
BAD = [
    ("ConfigureBatch", pb.ConfigureBatchRequest(), "INVALID_ARGUMENT", {"batch"}),
    ("ConfigureBatch", pb.ConfigureBatchRequest(batch=pb.BatchDefinition(
        operation="o" * 300, max_items=1_001, max_delay_millis=-1, max_bytes=3_000_000,
        max_in_flight=101, max_waiting=-1, timeout_millis=3_600_001, max_attempts=5,
        retry_millis=5), actor="a" * 300, request_id="r" * 300), "INVALID_ARGUMENT",
     {"batch.operation", "batch.agent_type", "batch.max_items", "batch.max_delay_millis",
      "batch.max_bytes", "batch.max_in_flight", "batch.max_waiting", "batch.timeout_millis",
      "batch.max_attempts", "batch.retry_millis", "actor", "request_id"}),
    ("ConfigureBatch", pb.ConfigureBatchRequest(batch=pb.BatchDefinition(
        operation="o", agent_type="nobody")), "NOT_FOUND", set()),
    ("ConfigureBatch", pb.ConfigureBatchRequest(batch=pb.BatchDefinition(
        operation="nothing", agent_type="echo")), "NOT_FOUND", set()),
    ("DeleteBatch", pb.DeleteBatchRequest(), "INVALID_ARGUMENT", {"operation"}),
    ("DeleteBatch", pb.DeleteBatchRequest(operation="none"), "NOT_FOUND", set()),
    ("Submit", pb.SubmitRequest(payload=common.Payload(data=b"{"), durable=True,
                                request_id="r" * 300), "INVALID_ARGUMENT",
     {"operation", "payload", "request_id"}),
    ("Submit", pb.SubmitRequest(operation="o", durable=True), "INVALID_ARGUMENT", {"durable"}),
    ("Submit", pb.SubmitRequest(operation="o", payload=common.Payload(
        data=b'"' + b"x" * (1 << 20) + b'"')), "INVALID_ARGUMENT", {"payload"}),
    ("Submit", pb.SubmitRequest(operation="none"), "NOT_FOUND", set()),
    ("SubmitMany", pb.SubmitManyRequest(), "INVALID_ARGUMENT", {"operation", "items"}),
    ("SubmitMany", pb.SubmitManyRequest(operation="o", items=[pb.BatchItem()] * 1_001),
     "INVALID_ARGUMENT", {"items"}),
    ("SubmitMany", pb.SubmitManyRequest(operation="o", items=[
        pb.BatchItem(request_id="a"), pb.BatchItem(request_id="a"),
        pb.BatchItem(payload=common.Payload(data=b"nope"))]), "INVALID_ARGUMENT",
     {"items[1].request_id", "items[2].payload"}),
    ("SubmitMany", pb.SubmitManyRequest(operation="none", items=[pb.BatchItem()]),
     "NOT_FOUND", set()),
    ("Flush", pb.FlushRequest(), "INVALID_ARGUMENT", {"operation"}),
    ("Flush", pb.FlushRequest(operation="none"), "NOT_FOUND", set()),
    ("GetBatchStats", pb.GetBatchStatsRequest(operation="o" * 300), "INVALID_ARGUMENT",
     {"operation"}),
    ("GetBatchStats", pb.GetBatchStatsRequest(operation="none"), "NOT_FOUND", set()),
]


def bad_requests_to_every_rpc_of_batches(server):
    for method, request, code, fields in BAD:
        error = refused(lambda: getattr(server.batches, method)(request, timeout=SECONDS),
                        getattr(grpc.StatusCode, code))
        if fields:
            expect(fields <= bad_fields(error), f"{method}: only {bad_fields(error)}")


CASES = [
    callers_share_a_batch_and_each_gets_its_own,
    a_lone_item_leaves_when_its_delay_ends,
    a_flush_does_not_wait,
    a_failed_batch_is_tried_item_by_item,
    a_full_line_pushes_back,
    an_item_with_a_name_is_carried_out_once,
    bad_requests_to_every_rpc_of_batches,
]
