"""Breakers, the operating mode and isolation, asked as a foreign client asks."""

import threading

import grpc
from cadre.v1 import agent_service_pb2 as agents
from cadre.v1 import breaker_service_pb2 as pb
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from cases import expect, expect_equal

SECONDS = 20
HOUR = 3_600_000


def put(server, name, **binding):
    definition = pb.BreakerDefinition(name=name, calls=pb.CallRules(
        failure_count=2, open_time_millis=HOUR, open_jitter=-1))
    if binding:
        definition.binding.CopyFrom(pb.BreakerBinding(**binding))
    return server.breakers.PutBreaker(
        pb.PutBreakerRequest(breaker=definition, actor="python"), timeout=SECONDS).breaker


def fail(server, name):
    permit = server.breakers.Permit(pb.PermitRequest(name=name), timeout=SECONDS)
    expect(permit.permitted, f"{name} refused: {permit}")
    call = pb.CallReport(permit_id=permit.permit_id, verdict=pb.CALL_VERDICT_FAILURE)
    return server.breakers.Report(
        pb.ReportRequest(report=pb.BreakerReport(name=name, call=call)), timeout=SECONDS).outcome


def a_breaker_opens_and_says_why(server):
    expect_equal(put(server, "py-opens").state, pb.BREAKER_STATE_CLOSED, "state when put")
    expect_equal(fail(server, "py-opens"), pb.REPORT_OUTCOME_RECORDED, "first report")
    expect_equal(fail(server, "py-opens"), pb.REPORT_OUTCOME_CHANGED, "second report")
    refused = server.breakers.Permit(pb.PermitRequest(name="py-opens"), timeout=SECONDS)
    expect(not refused.permitted and refused.retry_after_millis > HOUR / 2, f"got {refused}")
    found = server.breakers.GetBreaker(
        pb.GetBreakerRequest(name="py-opens"), timeout=SECONDS).breaker
    expect_equal(found.last_trip.rule, pb.BREAKER_RULE_FAILURE_COUNT, "rule")
    expect_equal(found.last_trip.observed, 2.0, "what was seen")


def a_guarded_call_is_pushed_back(server):
    put(server, "py-guard", agent_type="echo")
    server.breakers.ForceBreaker(pb.ForceBreakerRequest(
        name="py-guard", action=pb.FORCE_ACTION_FORCE_OPEN, reason="drill",
        duration_millis=HOUR), timeout=SECONDS)
    try:
        server.agents.Invoke(
            agents.InvokeRequest(agent_type="echo", operation="say"), timeout=SECONDS)
        raise AssertionError("the call passed an open breaker")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.UNAVAILABLE, "code")
        trailers = {pair.key: pair.value for pair in error.trailing_metadata()}
        expect(int(trailers["grpc-retry-pushback-ms"]) > HOUR / 2, f"pushback in {trailers}")
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        info = details.ErrorInfo()
        expect(any(detail.Unpack(info) for detail in status.details), "no ErrorInfo")
        expect_equal((info.reason, info.metadata["breaker"], info.metadata["state"]),
                     ("BREAKER_OPEN", "py-guard", "forced_open"), "details")
    finally:
        server.breakers.DeleteBreaker(pb.DeleteBreakerRequest(name="py-guard"), timeout=SECONDS)


def changes_are_watched(server):
    put(server, "py-watch")
    updates = server.breakers.WatchBreakers(pb.WatchBreakersRequest(), timeout=SECONDS)
    first = next(updates)
    expect("py-watch" in {b.definition.name for b in first.snapshot.breakers}, f"got {first}")
    force = pb.ForceBreakerRequest(
        name="py-watch", action=pb.FORCE_ACTION_METRICS_ONLY, reason="drill")
    threading.Thread(target=lambda: server.breakers.ForceBreaker(force, timeout=SECONDS)).start()
    changed = next(updates).changed
    expect_equal((changed.definition.name, changed.state),
                 ("py-watch", pb.BREAKER_STATE_METRICS_ONLY), "the change")
    updates.cancel()


def a_value_opens_a_breaker_with_hysteresis(server):
    rules = pb.MetricRules(trip_at=0.1, recover_at=0.05, severity=pb.BREAKER_SEVERITY_LOW)
    server.breakers.PutBreaker(pb.PutBreakerRequest(
        breaker=pb.BreakerDefinition(name="py-loss", metric=rules)), timeout=SECONDS)
    states = []
    for value in (0.09, 0.1, 0.07, 0.05):
        report = pb.BreakerReport(name="py-loss", value=value)
        server.breakers.ReportMany(pb.ReportManyRequest(reports=[report]), timeout=SECONDS)
        found = server.breakers.GetBreaker(pb.GetBreakerRequest(name="py-loss"), timeout=SECONDS)
        states.append(found.breaker.state)
    expect_equal(states, [pb.BREAKER_STATE_CLOSED, pb.BREAKER_STATE_OPEN, pb.BREAKER_STATE_OPEN,
                          pb.BREAKER_STATE_CLOSED], "states")


def the_mode_is_forced_and_let_go(server):
    metadata = (("cadre-namespace", "py-mode"),)
    forced = server.breakers.SetMode(pb.SetModeRequest(
        mode=pb.OPERATING_MODE_DEGRADED, reason="drill", actor="python"),
        timeout=SECONDS, metadata=metadata).status
    expect_equal((forced.mode, forced.automatic),
                 (pb.OPERATING_MODE_DEGRADED, pb.OPERATING_MODE_NORMAL), "mode")
    elsewhere = server.breakers.GetMode(pb.GetModeRequest(), timeout=SECONDS).status
    expect_equal(elsewhere.mode, pb.OPERATING_MODE_NORMAL, "mode of another namespace")
    let_go = server.breakers.SetMode(
        pb.SetModeRequest(release=True), timeout=SECONDS, metadata=metadata).status
    expect_equal(let_go.mode, pb.OPERATING_MODE_NORMAL, "mode after the release")


def the_last_instance_is_not_isolated(server):
    try:
        server.agents.IsolateAgent(
            agents.IsolateAgentRequest(agent_id="echo/1", reason="drill"), timeout=SECONDS)
        raise AssertionError("the only instance was isolated")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.FAILED_PRECONDITION, "code")


CASES = [
    a_breaker_opens_and_says_why, a_guarded_call_is_pushed_back, changes_are_watched,
    a_value_opens_a_breaker_with_hysteresis, the_mode_is_forced_and_let_go,
    the_last_instance_is_not_isolated,
]
