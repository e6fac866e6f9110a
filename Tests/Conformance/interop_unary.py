"""Interoperability cases of one request and one response."""

from concurrent import futures

import grpc
from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc

from cases import expect, expect_equal

LARGE_REQUEST_BYTES = 271_828
LARGE_RESPONSE_BYTES = 314_159
# No case may hang: every call has a deadline, though most need a few milliseconds.
SECONDS = 30


def large_request() -> messages_pb2.SimpleRequest:
    return messages_pb2.SimpleRequest(
        response_type=messages_pb2.COMPRESSABLE, response_size=LARGE_RESPONSE_BYTES,
        payload=messages_pb2.Payload(body=bytes(LARGE_REQUEST_BYTES)))


def expect_large_response(response) -> None:
    expect_equal(response.payload.type, messages_pb2.COMPRESSABLE, "type of the payload")
    expect_equal(len(response.payload.body), LARGE_RESPONSE_BYTES, "bytes of the payload")
    expect(not any(response.payload.body), "the payload is not all zeros")


def expect_status(call, code: grpc.StatusCode, details: str | None = None) -> None:
    """Fails unless `call()` ends with this status."""
    try:
        call()
    except grpc.RpcError as error:
        expect_equal(error.code(), code, f"status ({error.details()})")
        if details is not None:
            expect_equal(error.details(), details, "message of the status")
    else:
        expect(False, f"the call succeeded where {code} was expected")


def empty_unary(server):
    response, call = server.stub.EmptyCall.with_call(empty_pb2.Empty(), timeout=SECONDS)
    expect_equal(response.ByteSize(), 0, "bytes of the response")
    expect_equal(call.code(), grpc.StatusCode.OK, "status")


def large_unary(server):
    expect_large_response(server.stub.UnaryCall(large_request(), timeout=SECONDS))


def cacheable_unary_as_plain_unary(server):
    request = messages_pb2.SimpleRequest(
        response_size=16, payload=messages_pb2.Payload(body=b"1665498765432"))
    response = server.stub.CacheableUnaryCall(request, timeout=SECONDS)
    expect_equal(len(response.payload.body), 16, "bytes of the payload")


def unsupported_response_type(server):
    expect_status(lambda: server.stub.UnaryCall(
        messages_pb2.SimpleRequest(response_type=2, response_size=1), timeout=SECONDS),
        grpc.StatusCode.INVALID_ARGUMENT)


def unimplemented_method(server):
    expect_status(lambda: server.stub.UnimplementedCall(empty_pb2.Empty(), timeout=SECONDS),
                  grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service(server):
    other = test_pb2_grpc.UnimplementedServiceStub(server.channel)
    expect_status(lambda: other.UnimplementedCall(empty_pb2.Empty(), timeout=SECONDS),
                  grpc.StatusCode.UNIMPLEMENTED)


def concurrent_large_unary(server):
    """A thousand calls of large_unary at once, on one channel."""
    with futures.ThreadPoolExecutor(max_workers=32) as pool:
        calls = [pool.submit(server.stub.UnaryCall, large_request(), timeout=60)
                 for _ in range(1000)]
        for call in futures.as_completed(calls):
            expect_large_response(call.result())


def rpc_soak(server):
    """A hundred calls in a row on one channel, none of which may fail."""
    for _ in range(100):
        expect_large_response(server.stub.UnaryCall(large_request(), timeout=SECONDS))


def channel_soak(server):
    """Thirty calls, each on a connection of its own."""
    for number in range(30):
        alone = [("grpc.use_local_subchannel_pool", 1), ("cadre.number", number)]
        with grpc.insecure_channel(server.target, options=alone) as own:
            own_stub = test_pb2_grpc.TestServiceStub(own)
            expect_large_response(own_stub.UnaryCall(large_request(), timeout=SECONDS))


def long_messages(server):
    """Three MiB each way: many times the flow-control windows."""
    size = 3 << 20
    request = messages_pb2.SimpleRequest(
        response_size=size, payload=messages_pb2.Payload(body=bytes(size)))
    response = server.stub.UnaryCall(request, timeout=SECONDS)
    expect_equal(len(response.payload.body), size, "bytes of the payload")


def message_over_the_limit(server):
    """Five MiB where the server takes four: refused, and the connection goes on."""
    request = messages_pb2.SimpleRequest(payload=messages_pb2.Payload(body=bytes(5 << 20)))
    expect_status(lambda: server.stub.UnaryCall(request, timeout=SECONDS),
                  grpc.StatusCode.RESOURCE_EXHAUSTED)
    empty_unary(server)


CASES = [
    empty_unary, large_unary, cacheable_unary_as_plain_unary, unsupported_response_type,
    unimplemented_method, unimplemented_service, concurrent_large_unary, rpc_soak, channel_soak,
    long_messages, message_over_the_limit,
]
