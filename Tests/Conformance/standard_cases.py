"""Health, reflection and the console, asked with other people's software."""

import urllib.request

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from cases import Failed, expect, expect_equal

SECONDS = 20
SERVICES = {"cadre.v1.AgentService", "cadre.v1.WorkflowService", "cadre.v1.AdminService"}


def health_is_serving(server):
    health = health_pb2_grpc.HealthStub(server.channel)
    for service in sorted(SERVICES | {""}):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
        expect_equal(answer.status, health_pb2.HealthCheckResponse.SERVING, service)


def health_of_an_unknown_service(server):
    health = health_pb2_grpc.HealthStub(server.channel)
    request = health_pb2.HealthCheckRequest(service="no.such.Service")
    try:
        health.Check(request, timeout=SECONDS)
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.NOT_FOUND, "status")
    else:
        raise Failed("an unknown service is healthy")
    watch = health.Watch(request, timeout=SECONDS)
    expect_equal(next(watch).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN, "watched")
    expect(watch.is_active(), "the watch of an unknown service has ended")
    watch.cancel()


def health_is_watched(server):
    watch = health_pb2_grpc.HealthStub(server.channel).Watch(
        health_pb2.HealthCheckRequest(), timeout=SECONDS)
    expect_equal(next(watch).status, health_pb2.HealthCheckResponse.SERVING, "first message")
    watch.cancel()


def _reflect(server, version: str, *requests):
    """One answer for each request, on one stream."""
    ask = server.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)
    answers = list(ask(iter(requests), timeout=SECONDS))
    expect_equal(len(answers), len(requests), "answers")
    return answers


def reflection_lists_the_services(server):
    for version in ("v1", "v1alpha"):
        answer = _reflect(server, version, reflection_pb2.ServerReflectionRequest(
            list_services=""))[0]
        names = {service.name for service in answer.list_services_response.service}
        expect(SERVICES <= names, f"{version} lists only {names}")


def _pool(files) -> descriptor_pool.DescriptorPool:
    """The files in an empty pool, each after those it imports."""
    pool, added = descriptor_pool.DescriptorPool(), set()
    while len(added) < len(files):
        ready = [file for file in files
                 if file.name not in added and added.issuperset(file.dependency)]
        expect(ready, f"an import is missing among {[file.name for file in files]}")
        for file in ready:
            pool.Add(file)
            added.add(file.name)
    return pool


def reflection_gives_usable_descriptors(server):
    """The files for a symbol build in an empty pool, so that a tool can call the method."""
    for version in ("v1", "v1alpha"):
        answer = _reflect(server, version, reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="cadre.v1.WorkflowService"))[0]
        files = [descriptor_pb2.FileDescriptorProto.FromString(file)
                 for file in answer.file_descriptor_response.file_descriptor_proto]
        pool = _pool(files)
        methods = pool.FindServiceByName("cadre.v1.WorkflowService").methods_by_name
        expect("StartRun" in methods, f"{version}: only {list(methods)}")


def reflection_answers_errors_and_goes_on(server):
    wrong = reflection_pb2.ServerReflectionRequest(file_containing_symbol="no.such.Symbol")
    right = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = _reflect(server, "v1", wrong, right)
    expect_equal(answers[0].error_response.error_code, grpc.StatusCode.NOT_FOUND.value[0], "code")
    expect_equal(answers[0].original_request, wrong, "the question in the answer")
    expect(answers[1].list_services_response.service, "nothing after an error")


def _console(server, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.console_port}{path}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return response.status, response.headers["Content-Type"], response.read().decode()


def the_console_is_live_and_ready(server):
    for path in ("/healthz", "/readyz"):
        expect_equal(_console(server, path)[0], 200, path)


def metrics_come_in_both_formats(server):
    _, plain, text = _console(server, "/metrics")
    expect(plain.startswith("text/plain"), f"content type {plain}")
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    expect(len(samples) > 20, f"only {len(samples)} samples")
    expect(all(line.startswith("cadre_") for line in samples), "a sample without our prefix")
    _, kind, text = _console(server, "/metrics", "application/openmetrics-text; version=1.0.0")
    expect(kind.startswith("application/openmetrics-text"), f"content type {kind}")
    expect(text.endswith("# EOF\n"), "OpenMetrics without its end")


CASES = [
    health_is_serving, health_of_an_unknown_service, health_is_watched,
    reflection_lists_the_services, reflection_gives_usable_descriptors,
    reflection_answers_errors_and_goes_on, the_console_is_live_and_ready,
    metrics_come_in_both_formats,
]
