"""Shared memory and locks, asked as a foreign client asks."""

import threading

import grpc
from cadre.v1 import common_pb2 as common
from cadre.v1 import lock_service_pb2 as lk
from cadre.v1 import memory_service_pb2 as pb
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from cases import expect, expect_equal

SECONDS = 20


def put(server, key, data=b"1", **fields):
    return server.memory.Put(pb.MemoryServicePutRequest(
        key=key, value=common.Payload(data=data), actor="python", **fields), timeout=SECONDS)


def info_of(error):
    trailers = {pair.key: pair.value for pair in error.trailing_metadata()}
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = details.ErrorInfo()
    expect(any(detail.Unpack(info) for detail in status.details), "no ErrorInfo")
    return info


def refused(call, code, reason):
    try:
        call()
    except grpc.RpcError as error:
        expect_equal(error.code(), code, f"code ({error.details()})")
        info = info_of(error)
        expect_equal(info.reason, reason, "reason")
        return info
    raise AssertionError(f"the call succeeded where {reason} was expected")


def an_entry_is_written_and_read(server):
    first = put(server, "py/entry", b"one")
    second = put(server, "py/entry", b"two")
    expect(second.revision > first.revision and not second.created, f"got {second}")
    entry = server.memory.Get(pb.MemoryServiceGetRequest(key="py/entry"), timeout=SECONDS).entry
    expect_equal((entry.value.data, entry.version, entry.last_updated_by),
                 (b"two", 2, "python"), "the entry")
    history = server.memory.History(
        pb.MemoryServiceHistoryRequest(key="py/entry"), timeout=SECONDS).changes
    expect_equal([c.entry.value.data for c in history], [b"two", b"one"], "the past")


def a_lost_race_is_aborted(server):
    at = put(server, "py/race").revision
    put(server, "py/race", expected_revision=at)
    info = refused(lambda: put(server, "py/race", expected_revision=at),
                   grpc.StatusCode.ABORTED, "REVISION_MISMATCH")
    expect_equal((info.metadata["key"], info.metadata["expected"]), ("py/race", str(at)), "details")


def a_repeat_gets_the_same_revision(server):
    first = put(server, "py/repeat", request_id="py-once")
    again = put(server, "py/repeat", request_id="py-once")
    expect_equal(again.revision, first.revision, "revision")


def a_watch_joins_past_and_present(server):
    first = put(server, "py/watch/0", b"0").revision
    updates = server.memory.Watch(pb.MemoryServiceWatchRequest(
        prefix="py/watch/", from_revision=first, previous=True), timeout=SECONDS)
    expect(next(updates).HasField("started"), "the first message")
    threading.Thread(
        target=lambda: [put(server, "py/watch/0", b"%d" % n) for n in range(1, 20)]).start()
    seen = []
    for update in updates:
        seen += [int(change.entry.value.data) for change in update.changes.changes]
        if len(seen) == 20:
            break
    expect_equal(seen, list(range(20)), "changes")
    updates.cancel()


def a_revision_never_given_is_out_of_range(server):
    now = put(server, "py/future").revision
    refused(lambda: next(server.memory.Watch(pb.MemoryServiceWatchRequest(
        key="py/future", from_revision=now + 100), timeout=SECONDS)),
        grpc.StatusCode.OUT_OF_RANGE, "FUTURE_REVISION")


def a_transaction_swaps_two_keys(server):
    put(server, "py/a", b"a")
    put(server, "py/b", b"b")
    swap = pb.MemoryServiceTxnRequest(
        compares=[pb.MemoryCompare(key="py/a", value_equals=common.Payload(data=b"a"))],
        then=[pb.MemoryOperation(put=pb.MemoryPut(key="py/a", value=common.Payload(data=b"b"))),
              pb.MemoryOperation(put=pb.MemoryPut(key="py/b", value=common.Payload(data=b"a")))])
    done = server.memory.Txn(swap, timeout=SECONDS)
    expect(done.succeeded and len({r.put.revision for r in done.results}) == 1, f"got {done}")
    expect(not server.memory.Txn(swap, timeout=SECONDS).succeeded, "it held twice")


def claim(owner, *resources, **fields):
    return lk.LockClaim(owner=owner, resources=[lk.LockResource(name=r) for r in resources],
                        **fields)


def acquire(server, owner, *resources, wait_millis=0, **fields):
    return server.locks.Acquire(lk.AcquireRequest(
        claim=claim(owner, *resources, **fields), wait_millis=wait_millis),
        timeout=SECONDS).grant


def release(server, grant):
    return server.locks.Release(lk.ReleaseRequest(
        acquire_id=grant.acquire_id, owner=grant.owner), timeout=SECONDS).released


def a_lock_is_handed_on_with_a_greater_token(server):
    first = acquire(server, "py-a", "py-handed")
    refused(lambda: acquire(server, "py-b", "py-handed"), grpc.StatusCode.ABORTED, "LOCK_BUSY")
    stream = server.locks.AcquireStream(
        lk.AcquireStreamRequest(claim=claim("py-b", "py-handed")), timeout=SECONDS)
    queued = next(stream).queued
    expect_equal((queued.position, queued.holder), (1, "py-a"), "the place")
    expect(release(server, first) and not release(server, first), "released once")
    granted = next(stream).granted
    expect(granted.holds[0].fencing_token > first.holds[0].fencing_token, f"got {granted}")
    expect(release(server, granted), "released by its owner")
    expect_equal(next(stream).lost.end, lk.LOCK_END_RELEASED, "the end")


def a_cycle_is_named(server):
    a, b = acquire(server, "py-a", "py-r"), acquire(server, "py-b", "py-s")
    stream = server.locks.AcquireStream(
        lk.AcquireStreamRequest(claim=claim("py-a", "py-s")), timeout=SECONDS)
    next(stream)
    info = refused(lambda: acquire(server, "py-b", "py-r", wait_millis=5_000),
                   grpc.StatusCode.FAILED_PRECONDITION, "LOCK_CYCLE")
    expect_equal(info.metadata["cycle"], "py-b > py-r > py-a > py-s > py-b", "the cycle")
    stream.cancel()
    release(server, a)
    release(server, b)


def a_stale_token_writes_nothing(server):
    old = acquire(server, "py-a", "py-fence", lease_millis=100)
    new = acquire(server, "py-b", "py-fence", wait_millis=10_000)
    fence = pb.LockFence(resource="py-fence", fencing_token=old.holds[0].fencing_token)
    refused(lambda: put(server, "py/fenced", fence=fence),
            grpc.StatusCode.FAILED_PRECONDITION, "STALE_FENCING_TOKEN")
    fence.fencing_token = new.holds[0].fencing_token
    expect(put(server, "py/fenced", fence=fence).revision > 0, "the holder writes")
    refused(lambda: server.locks.Renew(lk.RenewRequest(
        acquire_id=old.acquire_id, owner="py-a"), timeout=SECONDS),
        grpc.StatusCode.NOT_FOUND, "LOCK_LOST")
    refused(lambda: server.locks.Release(lk.ReleaseRequest(
        acquire_id=new.acquire_id, owner="py-a"), timeout=SECONDS),
        grpc.StatusCode.PERMISSION_DENIED, "FOREIGN_LOCK")
    broken = server.locks.BreakLock(lk.BreakLockRequest(
        resource="py-fence", reason="drill", actor="python"), timeout=SECONDS).broken
    expect_equal(broken, 1, "broken")


CASES = [
    an_entry_is_written_and_read, a_lost_race_is_aborted, a_repeat_gets_the_same_revision,
    a_watch_joins_past_and_present, a_revision_never_given_is_out_of_range,
    a_transaction_swaps_two_keys, a_lock_is_handed_on_with_a_greater_token, a_cycle_is_named,
    a_stale_token_writes_nothing,
]
