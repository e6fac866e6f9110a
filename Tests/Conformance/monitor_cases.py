"""Coordination metrics, asked as a foreign client asks: what it did must be what it is told."""

import time
import urllib.request

import grpc
from cadre.v1 import agent_service_pb2 as agents
from cadre.v1 import common_pb2 as common
from cadre.v1 import monitor_service_pb2 as pb
from cadre.v1 import workflow_service_pb2 as workflows
from prometheus_client import parser as prometheus

from cases import expect, expect_equal

SECONDS = 20
DAY = 86_400_000


def _metrics(server) -> pb.CoordinationMetrics:
    """All that was counted since the server's start."""
    return server.monitor.GetMetrics(
        pb.GetMetricsRequest(window_millis=DAY), timeout=SECONDS).metrics


def _type(metrics, name):
    return next(found for found in metrics.agent_types if found.agent_type == name)


def _invoke(server, operation="say", data=b"{}"):
    request = agents.InvokeRequest(agent_type="echo", operation=operation,
                                   payload=common.Payload(data=data))
    return server.agents.Invoke(request, timeout=SECONDS)


def work_is_counted_and_timed(server):
    before = _metrics(server)
    for _ in range(20):
        _invoke(server)
    _invoke(server, "wait", b'{"millis": 300}')
    after = _metrics(server)
    echo = _type(after, "echo")
    expect_equal(echo.finished - _type(before, "echo").finished, 21, "finished by echo")
    # Others may have called agents meanwhile.
    expect(after.work.finished - before.work.finished >= 21, "less in all than by echo")
    worked = (echo.finished * echo.mean_execution_micros
              - _type(before, "echo").finished * _type(before, "echo").mean_execution_micros)
    expect(290_000 < worked < 2_000_000, f"echo worked {worked} us")
    expect(0 < echo.utilization.value < 1, f"utilization {echo.utilization}")
    for summary in (after.work.queue_time, after.work.execution_time, after.overhead.duration,
                    after.communication_latency):
        expect_equal(summary.count, after.work.finished, "summed up over")
        expect(summary.p50_micros <= summary.p95_micros <= summary.p99_micros, f"got {summary}")
    expect(0 < after.overhead.share.value < 1, f"share {after.overhead.share}")


def runs_are_counted_and_timed(server):
    before = _metrics(server).workflows
    start = workflows.StartRunRequest(workflow="calendar-discovery")
    began = time.monotonic()
    for _ in range(3):
        server.workflows.ExecuteRun(workflows.ExecuteRunRequest(start=start), timeout=SECONDS)
    took = time.monotonic() - began
    metrics = _metrics(server)
    after = metrics.workflows
    expect_equal(after.total - before.total, 3, "runs in all")
    expect_equal(after.completed - before.completed, 3, "runs completed")
    summed = (after.duration.count * after.duration.mean_micros
              - before.duration.count * before.duration.mean_micros)
    expect(0 < summed <= took * 1e6 + 10_000, f"three runs took {summed} us of {took} s")
    expect(metrics.store.commits > 0 and metrics.store.duration.mean_micros > 0, "commits")


def what_nobody_measured_is_not_there(server):
    metrics = server.monitor.GetMetrics(
        pb.GetMetricsRequest(window_millis=1_000), timeout=SECONDS).metrics
    if metrics.consensus.decided + metrics.consensus.undecided == 0:
        expect(not metrics.consensus.HasField("accuracy"), "an accuracy without a decision")
    expect(not metrics.recovery.HasField("agents"), "a recovery without an isolation")


def the_numbers_stand_on_the_console(server):
    _invoke(server)
    wanted = _type(_metrics(server), "echo").finished
    deadline = time.monotonic() + SECONDS
    while (found := _scraped(server, "cadre_agent_work_finished_total", agent_type="echo")) < wanted:
        expect(time.monotonic() < deadline, f"{found} of {wanted} on the console")
        time.sleep(0.2)
    for name in ("cadre_coordination_overhead_seconds_total", "cadre_communication_seconds_total",
                 "cadre_agent_slot_time_seconds_total", "cadre_agent_slot_taken_time_seconds_total"):
        expect(_scraped(server, name, agent_type="echo") > 0, name)
    expect(0 < _scraped(server, "cadre_coordination_health_ratio") <= 1, "health")


def _scraped(server, name, **labels) -> float:
    with urllib.request.urlopen(
            f"http://127.0.0.1:{server.console_port}/metrics", timeout=SECONDS) as response:
        text = response.read().decode()
    return sum(sample.value for family in prometheus.text_string_to_metric_families(text)
               for sample in family.samples
               if sample.name == name and labels.items() <= sample.labels.items())


def metrics_are_watched(server):
    updates = server.monitor.WatchMetrics(
        pb.WatchMetricsRequest(interval_millis=200, window_millis=10_000), timeout=SECONDS)
    first, second = next(updates), next(updates)
    updates.cancel()
    expect_equal((first.sequence, first.missed), (1, 0), "first update")
    expect_equal(second.sequence - second.missed, 2, "second update")
    expect(second.metrics.window.end_unix_millis > first.metrics.window.end_unix_millis, "time")


def steps_of_the_past_add_up(server):
    history = server.monitor.GetMetricsHistory(
        pb.GetMetricsHistoryRequest(step_millis=5_000), timeout=SECONDS)
    expect(history.points, "there is no past")
    for earlier, later in zip(history.points, history.points[1:]):
        expect_equal(later.window.start_unix_millis, earlier.window.end_unix_millis, "a gap")
    expect_equal(history.points[0].window.start_unix_millis, history.oldest_unix_millis, "oldest")
    whole = _metrics(server)
    expect_equal(sum(point.work.finished for point in history.points), whole.work.finished, "work")
    expect_equal(sum(point.workflows.started for point in history.points),
                 whole.workflows.started, "starts")
    totals = server.monitor.GetMetricsHistory(
        pb.GetMetricsHistoryRequest(totals_only=True), timeout=SECONDS)
    expect(not any(point.agent_types or point.services for point in totals.points), "more than totals")


def a_past_before_the_server_is_out_of_range(server):
    try:
        server.monitor.GetMetricsHistory(pb.GetMetricsHistoryRequest(
            start_unix_millis=1, end_unix_millis=2), timeout=SECONDS)
        raise AssertionError("there was a past before the server")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.OUT_OF_RANGE, "code")


def a_report_keeps_to_its_formula(server):
    report = server.monitor.GetReport(pb.GetReportRequest(), timeout=SECONDS)
    parts = [part for part in report.health.parts if part.HasField("score")]
    weight = sum(part.weight for part in parts)
    score = 100 * sum(part.weight * part.score.value for part in parts) / weight
    expect(abs(score - report.health.score) < 1e-6, f"{report.health.score}, computed {score}")
    expect(abs(weight / 100 - report.health.coverage) < 1e-9, f"coverage {report.health.coverage}")
    expect_equal([part.weight for part in report.health.parts], [30, 20, 15, 15, 10, 5, 5], "weights")
    series = {trend.series for trend in report.trends}
    expect({pb.METRIC_SERIES_ACTIVE_WORKFLOWS, pb.METRIC_SERIES_COORDINATION_OVERHEAD,
            pb.METRIC_SERIES_UTILIZATION} <= series, f"only {series}")
    for trend in report.trends:
        expect(trend.points >= 1 and 0 <= trend.confidence <= 1, f"got {trend}")
        if trend.points < 8:
            expect_equal(trend.direction, pb.TREND_DIRECTION_UNSPECIFIED, "direction of few points")
    for advice in report.recommendations:
        expect(advice.evidence and advice.text and advice.reason, f"got {advice}")


CASES = [
    work_is_counted_and_timed, runs_are_counted_and_timed, what_nobody_measured_is_not_there,
    the_numbers_stand_on_the_console, metrics_are_watched, steps_of_the_past_add_up,
    a_past_before_the_server_is_out_of_range, a_report_keeps_to_its_formula,
]
