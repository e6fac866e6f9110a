"""The console port, read with Python's HTTP client and Prometheus' own parsers.

These cases come last: the series they look for count what the cases before them did.
"""

import time
import urllib.error
import urllib.request

from cadre.v1 import agent_service_pb2 as agents
from cadre.v1 import common_pb2 as common
from prometheus_client import parser as prometheus
from prometheus_client.openmetrics import parser as openmetrics

from cases import Failed, expect, expect_equal

SECONDS = 20
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
# Those of the process itself have the names that Prometheus gives them everywhere.
PREFIXES = ("cadre_", "process_")


def _get(server, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    """Status, content type and body."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.console_port}{path}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return response.status, response.headers["Content-Type"], response.read().decode()


def _samples(server) -> list:
    families = prometheus.text_string_to_metric_families(_get(server, "/metrics")[2])
    return [sample for family in families for sample in family.samples]


def _value(server, name: str, **labels) -> float:
    """The sum of the samples of this name that have these labels."""
    values = [sample.value for sample in _samples(server)
              if sample.name == name and labels.items() <= sample.labels.items()]
    expect(values, f"there is no {name} with {labels}")
    return sum(values)


def the_console_is_live_and_ready(server):
    for path in ("/healthz", "/readyz"):
        expect_equal(_get(server, path)[0], 200, path)


def an_unknown_page(server):
    try:
        _get(server, "/no-such-page")
    except urllib.error.HTTPError as error:
        expect_equal(error.code, 404, "status")
        error.close()
    else:
        raise Failed("a page that is not there was served")


def metrics_for_prometheus(server):
    _, kind, _ = _get(server, "/metrics")
    expect(kind.startswith("text/plain"), f"content type {kind}")
    samples = _samples(server)
    expect(len(samples) > 50, f"only {len(samples)} samples")
    for sample in samples:
        expect(sample.name.startswith(PREFIXES), f"{sample.name} has a foreign prefix")


def metrics_for_openmetrics(server):
    """The parser is strict: units, suffixes, order, and the end of the text."""
    _, kind, text = _get(server, "/metrics", OPENMETRICS)
    expect(kind.startswith("application/openmetrics-text"), f"content type {kind}")
    names = {family.name for family in openmetrics.text_string_to_metric_families(text)}
    expect("cadre_rpc_ended" in names, f"only {names}")


def calls_are_counted_by_method_and_code(server):
    method = "cadre.v1.AgentService/Invoke"
    expect(_value(server, "cadre_rpc_ended_total", method=method, code="OK") >= 1000,
           "fewer calls than were made")
    expect(_value(server, "cadre_rpc_ended_total", method=method, code="NOT_FOUND") >= 2,
           "fewer refused calls than were made")
    expect(_value(server, "cadre_rpc_duration_seconds_count", method=method) >= 1000,
           "fewer durations than calls")


def workflows_are_counted(server):
    workflow = "calendar-discovery"
    expect(_value(server, "cadre_workflow_closed_total", workflow=workflow) >= 8, "closed")
    expect(_value(server, "cadre_workflow_duration_seconds_sum", workflow=workflow) > 0, "seconds")
    expect(_value(server, "cadre_workflow_active", workflow=workflow) >= 0, "active")


def agents_and_store_are_measured(server):
    expect(_value(server, "cadre_agent_busy_seconds_total", agent_type="mexc-api") > 0, "busy")
    expect(_value(server, "cadre_store_commit_rows_count") > 0, "commits")
    expect(_value(server, "cadre_store_commit_duration_seconds_sum") > 0, "time of commits")


def the_memory_of_large_calls_is_given_back(server):
    before = _value(server, "process_resident_memory_bytes")
    payload = common.Payload(data=b'{"millis": 1000, "fill": "%s"}' % (b"x" * 2_000_000))
    request = agents.InvokeRequest(agent_type="echo", operation="wait", payload=payload)
    calls = [server.agents.Invoke.future(request, timeout=60) for _ in range(60)]
    for call in calls:
        expect(call.result().success, "a large call failed")
    deadline = time.monotonic() + SECONDS
    while (kept := _value(server, "process_resident_memory_bytes") - before) > 64 << 20:
        expect(time.monotonic() < deadline, f"{kept / (1 << 20):.0f} MiB are kept")
        time.sleep(0.2)


CASES = [
    the_console_is_live_and_ready, an_unknown_page, metrics_for_prometheus,
    metrics_for_openmetrics, calls_are_counted_by_method_and_code, workflows_are_counted,
    agents_and_store_are_measured, the_memory_of_large_calls_is_given_back,
]
