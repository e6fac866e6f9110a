"""The shared cache, asked as a foreign client asks."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from cadre.v1 import cache_service_pb2 as pb
from cadre.v1 import common_pb2 as common

from bad_input_cases import _bad_fields, _refused
from cases import expect, expect_equal

SECONDS = 20
DAY = 86_400_000


def get(server, key, agent="", **fill):
    request = pb.CacheServiceGetRequest(key=key, agent_id=agent)
    if fill:
        request.fill.CopyFrom(pb.FillRequest(**fill))
    return server.cache.Get(request, timeout=SECONDS).lookup


def entry(key, data=b"{}", **fields):
    return pb.CacheEntry(key=key, value=common.Payload(data=data), **fields)


def put(server, key, data=b"{}", agent="", **fields):
    request = pb.CacheServiceSetRequest(entry=entry(key, data, **fields), agent_id=agent)
    return server.cache.Set(request, timeout=SECONDS).result


def waits(server):
    stats = server.cache.GetStats(pb.CacheServiceGetStatsRequest(), timeout=SECONDS)
    return stats.fills.waits


def a_key_moves_to_the_shared_tier(server):
    expect_equal(put(server, "py:own", b"", "a").tier, pb.CACHE_TIER_AGENT, "tier of the write")
    own = get(server, "py:own", "a")
    expect_equal((own.result, own.tier), (pb.CACHE_RESULT_HIT, pb.CACHE_TIER_AGENT), "own read")
    expect(own.HasField("value") and own.value.data == b"", "an empty value is a hit")
    expect_equal(get(server, "py:own", "b").result, pb.CACHE_RESULT_MISS, "another agent's read")
    third = get(server, "py:own", "c")
    expect_equal((third.result, third.tier, third.promoted),
                 (pb.CACHE_RESULT_HIT, pb.CACHE_TIER_SHARED, True), "third agent's read")
    expect(0 < third.expires_in_millis <= 300_000, f"time left: {third.expires_in_millis}")
    expect_equal(get(server, "py:own").result, pb.CACHE_RESULT_HIT, "everybody's read")


def one_fills_and_the_others_are_given_the_value(server):
    lease = get(server, "py:flight", lease_millis=15_000).lease
    expect(lease.token != 0, "the first reader got no lease")
    before = waits(server)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(get, server, "py:flight", f"agent-{n}", wait_millis=15_000)
                   for n in range(8)]
        while waits(server) < before + 8:
            time.sleep(0.01)
        result = put(server, "py:flight", b"filled", lease_token=lease.token)
        expect_equal(result.outcome, pb.SET_OUTCOME_STORED, "the fill")
        found = [waiter.result(SECONDS) for waiter in waiting]
    expect(all(f.value.data == b"filled" and f.version == result.version for f in found),
           f"got {found}")


def a_wait_ends_and_a_lease_is_passed_on(server):
    lease = get(server, "py:passed", lease_millis=60_000).lease
    began = time.monotonic()
    late = get(server, "py:passed", wait_millis=200)
    expect_equal(late.result, pb.CACHE_RESULT_FILLING, "after the wait")
    expect(time.monotonic() - began >= 0.19, "it did not wait")
    expect(0 < late.retry_after_millis <= 60_000, f"retry after {late.retry_after_millis}")
    with ThreadPoolExecutor(1) as pool:
        before = waits(server)
        waiter = pool.submit(get, server, "py:passed", wait_millis=15_000)
        while waits(server) == before:
            time.sleep(0.01)
        given = pb.AbandonFillRequest(key="py:passed", lease_token=lease.token)
        expect(server.cache.AbandonFill(given, timeout=SECONDS).released, "not released")
        found = waiter.result(SECONDS)
    expect_equal(found.result, pb.CACHE_RESULT_MISS, "who waited")
    expect(found.lease.token not in (0, lease.token), "no lease of its own")
    lost = put(server, "py:passed", b"late", lease_token=lease.token)
    expect_equal(lost.outcome, pb.SET_OUTCOME_LEASE_LOST, "the first lease's fill")
    # A lease that runs out goes to who waits, without anybody's doing.
    get(server, "py:out", lease_millis=200)
    after = get(server, "py:out", wait_millis=15_000)
    expect(after.lease.token != 0, f"got {after}")


def a_caller_that_goes_gives_its_place_back(server):
    lease = get(server, "py:gone", lease_millis=60_000).lease
    request = pb.CacheServiceGetRequest(key="py:gone", fill=pb.FillRequest(wait_millis=60_000))
    call = server.cache.Get.future(request, timeout=SECONDS)
    time.sleep(0.2)
    call.cancel()
    # A deadline shorter than the wait is answered in time.
    short = server.cache.Get(request, timeout=2.0).lookup
    expect_equal(short.result, pb.CACHE_RESULT_FILLING, "before the deadline")
    server.cache.AbandonFill(
        pb.AbandonFillRequest(key="py:gone", lease_token=lease.token), timeout=SECONDS)
    expect(get(server, "py:gone", lease_millis=1_000).lease.token != 0, "the key is not free")


def a_stale_value_is_given_while_one_refreshes(server):
    put(server, "py:stale", b"old", ttl_millis=DAY, soft_ttl_millis=1, ttl_jitter=-1)
    time.sleep(0.05)
    first = get(server, "py:stale", lease_millis=10_000)
    expect_equal((first.result, first.value.data), (pb.CACHE_RESULT_STALE, b"old"), "first")
    expect(first.lease.token != 0 and not first.lease.early, "no lease to refresh")
    second = get(server, "py:stale", wait_millis=10_000)
    expect_equal(second.result, pb.CACHE_RESULT_STALE, "second")
    expect(not second.HasField("lease"), "two refresh at once")
    put(server, "py:stale", b"new", lease_token=first.lease.token)
    third = get(server, "py:stale", lease_millis=10_000)
    expect_equal((third.result, third.value.data), (pb.CACHE_RESULT_HIT, b"new"), "third")


def an_invalidation_reaches_all_and_voids_what_is_under_way(server):
    put(server, "py:inv:1", b"1", "a", tags=["py-red"])
    put(server, "py:inv:2", b"2", tags=["py-red"])
    lease = get(server, "py:inv:3", lease_millis=10_000).lease
    dropped = server.cache.Invalidate(pb.InvalidateRequest(tag="py-red"), timeout=SECONDS).dropped
    expect_equal(dropped, 2, "dropped by tag")
    tagged = put(server, "py:inv:3", b"old", lease_token=lease.token, tags=["py-red"])
    expect_equal(tagged.outcome, pb.SET_OUTCOME_LEASE_LOST, "a fill from before, by tag")
    put(server, "py:inv:4", b"4")
    dropped = server.cache.Invalidate(
        pb.InvalidateRequest(prefix="py:inv:"), timeout=SECONDS).dropped
    expect_equal(dropped, 1, "dropped by prefix")
    voided = put(server, "py:inv:3", b"old", lease_token=lease.token)
    expect_equal(voided.outcome, pb.SET_OUTCOME_LEASE_LOST, "a fill from before, by prefix")
    expect_equal(get(server, "py:inv:1", "a").result, pb.CACHE_RESULT_MISS, "after")


def many_at_once(server):
    big = b"x" * (2 << 20)
    entries = [entry("py:many:1", big), entry("py:many:2", big),
               pb.CacheEntry(key="py:many:3", negative=True)]
    results = server.cache.SetMany(
        pb.CacheServiceSetManyRequest(entries=entries[:1]), timeout=SECONDS).results
    results.extend(server.cache.SetMany(
        pb.CacheServiceSetManyRequest(entries=entries[1:]), timeout=SECONDS).results)
    expect(all(r.outcome == pb.SET_OUTCOME_STORED for r in results), f"got {results}")
    keys = ["py:many:1", "py:many:2", "py:many:3", "py:many:4"]
    lookups = server.cache.GetMany(pb.CacheServiceGetManyRequest(
        keys=keys, fill=pb.FillRequest()), timeout=SECONDS).lookups
    expect_equal([l.result for l in lookups],
                 [pb.CACHE_RESULT_HIT, pb.CACHE_RESULT_OMITTED, pb.CACHE_RESULT_NEGATIVE,
                  pb.CACHE_RESULT_MISS], "results")
    expect(lookups[3].lease.token != 0, "no lease for what was missed")
    again = server.cache.GetMany(pb.CacheServiceGetManyRequest(
        keys=keys[3:], fill=pb.FillRequest()), timeout=SECONDS).lookups
    expect_equal(again[0].result, pb.CACHE_RESULT_FILLING, "again")


def invalidations_are_followed_without_a_gap(server):
    space = (("cadre-namespace", "py-watch"),)
    watch = pb.WatchInvalidationsRequest(prefixes=["k:"], progress_millis=100)
    stream = server.cache.WatchInvalidations(watch, timeout=SECONDS, metadata=space)
    first = next(stream)
    expect_equal((len(first.invalidations), first.previous), (0, first.position), "the beginning")

    def write():
        for key in ("k:1", "other", "k:2"):
            server.cache.Set(pb.CacheServiceSetRequest(entry=entry(key)), timeout=SECONDS,
                             metadata=space)
        server.cache.Invalidate(pb.InvalidateRequest(tag="t"), timeout=SECONDS, metadata=space)

    writer = threading.Thread(target=write)
    writer.start()
    seen, position = [], first.position
    while len(seen) < 3:
        update = next(stream)
        expect_equal(update.previous, position, "a message was lost")
        position = update.position
        seen += update.invalidations
    writer.join()
    start = first.position.sequence
    expect_equal([(i.sequence - start, i.key or i.tag, i.cause) for i in seen],
                 [(1, "k:1", pb.INVALIDATION_CAUSE_WRITTEN),
                  (3, "k:2", pb.INVALIDATION_CAUSE_WRITTEN),
                  (4, "t", pb.INVALIDATION_CAUSE_INVALIDATED)], "what was told")
    stream.cancel()
    # Whoever comes back soon goes on; whoever comes from another life must flush.
    resumed = server.cache.WatchInvalidations(
        pb.WatchInvalidationsRequest(after=first.position), timeout=SECONDS, metadata=space)
    expect_equal(len(next(resumed).invalidations), 0, "where it begins")
    expect_equal(next(resumed).invalidations[0].key, "k:1", "what was missed")
    resumed.cancel()
    foreign = pb.CachePosition(epoch=1, sequence=7)
    flushed = server.cache.WatchInvalidations(
        pb.WatchInvalidationsRequest(after=foreign), timeout=SECONDS, metadata=space)
    gap = next(flushed)
    expect(gap.invalidations[0].everything, f"got {gap}")
    expect_equal(gap.invalidations[0].cause, pb.INVALIDATION_CAUSE_GAP, "cause")
    flushed.cancel()


def a_copy_is_told_from_an_older_one(server):
    request = pb.CacheServiceGetRequest(key="py:copy")
    put(server, "py:copy", b"1")
    read = server.cache.Get(request, timeout=SECONDS)
    result = server.cache.Invalidate(pb.InvalidateRequest(key="py:copy"), timeout=SECONDS)
    expect(result.position.sequence > read.position.sequence, "the copy would not be dropped")
    expect_equal(result.position.epoch, read.position.epoch, "epoch")


def wrong_requests_name_their_fields(server):
    error = _refused(lambda: put(
        server, "k" * 513, ttl_millis=-1, soft_ttl_millis=-1, ttl_jitter=2,
        tags=[""], tier=pb.CACHE_TIER_AGENT), grpc.StatusCode.INVALID_ARGUMENT)
    expect_equal(_bad_fields(error),
                 {"entry.key", "entry.ttl_millis", "entry.soft_ttl_millis", "entry.ttl_jitter",
                  "entry.tags[0]", "entry.tier"}, "bad fields of Set")
    error = _refused(lambda: get(server, "", wait_millis=60_001, lease_millis=99),
                     grpc.StatusCode.INVALID_ARGUMENT)
    expect_equal(_bad_fields(error), {"key", "fill.wait_millis", "fill.lease_millis"},
                 "bad fields of Get")
    error = _refused(lambda: server.cache.GetMany(pb.CacheServiceGetManyRequest(
        keys=["a", "a"], fill=pb.FillRequest(wait_millis=1)), timeout=SECONDS),
        grpc.StatusCode.INVALID_ARGUMENT)
    expect_equal(_bad_fields(error), {"keys[1]", "fill.wait_millis"}, "bad fields of GetMany")


CASES = [
    a_key_moves_to_the_shared_tier, one_fills_and_the_others_are_given_the_value,
    a_wait_ends_and_a_lease_is_passed_on, a_caller_that_goes_gives_its_place_back,
    a_stale_value_is_given_while_one_refreshes,
    an_invalidation_reaches_all_and_voids_what_is_under_way, many_at_once,
    invalidations_are_followed_without_a_gap, a_copy_is_told_from_an_older_one,
    wrong_requests_name_their_fields,
]
