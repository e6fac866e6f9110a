"""Health and reflection, asked with other people's software."""

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


CASES = [
    health_is_serving, health_of_an_unknown_service, health_is_watched,
    reflection_lists_the_services, reflection_gives_usable_descriptors,
    reflection_answers_errors_and_goes_on,
]
