"""Interoperability cases of metadata and status."""

import grpc
from grpc.testing import messages_pb2

from cases import expect, expect_equal
from interop_streaming import asking
from interop_unary import SECONDS, expect_status, large_request, expect_large_response

INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"
ECHOED = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\x0a\x0b\x0a\x0b\x0a\x0b"))


def expect_echo(call) -> None:
    expect(ECHOED[0] in [(p.key, p.value) for p in call.initial_metadata()],
           f"{INITIAL} did not come back in the headers: {call.initial_metadata()}")
    expect(ECHOED[1] in [(p.key, p.value) for p in call.trailing_metadata()],
           f"{TRAILING} did not come back in the trailers: {call.trailing_metadata()}")


def custom_metadata_unary(server):
    response, call = server.stub.UnaryCall.with_call(
        large_request(), metadata=ECHOED, timeout=SECONDS)
    expect_large_response(response)
    expect_echo(call)


def custom_metadata_duplex(server):
    responses = server.stub.FullDuplexCall(
        iter([asking(314_159, 271_828)]), metadata=ECHOED, timeout=SECONDS)
    expect_equal([len(r.payload.body) for r in responses], [314_159], "sizes")
    expect_echo(responses)


def metadata_of_any_bytes(server):
    """Every byte value, and lengths that need no, one and two signs of padding."""
    for length in (0, 1, 2, 3, 256):
        value = bytes(range(length))
        _, call = server.stub.UnaryCall.with_call(
            messages_pb2.SimpleRequest(), metadata=((TRAILING, value),), timeout=SECONDS)
        found = [p.value for p in call.trailing_metadata() if p.key == TRAILING]
        expect_equal(found, [value], f"{length} bytes in the trailers")


def status_code_and_message_unary(server):
    asked = messages_pb2.EchoStatus(code=2, message="test status message")
    expect_status(lambda: server.stub.UnaryCall(
        messages_pb2.SimpleRequest(response_status=asked), timeout=SECONDS),
        grpc.StatusCode.UNKNOWN, "test status message")


def status_code_and_message_duplex(server):
    asked = messages_pb2.EchoStatus(code=2, message="test status message")
    responses = server.stub.FullDuplexCall(
        iter([messages_pb2.StreamingOutputCallRequest(response_status=asked)]), timeout=SECONDS)
    expect_status(lambda: list(responses), grpc.StatusCode.UNKNOWN, "test status message")


def special_status_message(server):
    text = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
    asked = messages_pb2.EchoStatus(code=2, message=text)
    expect_status(lambda: server.stub.UnaryCall(
        messages_pb2.SimpleRequest(response_status=asked), timeout=SECONDS),
        grpc.StatusCode.UNKNOWN, text)


def every_status_code(server):
    for code in grpc.StatusCode:
        if code is grpc.StatusCode.OK:
            continue
        asked = messages_pb2.EchoStatus(code=code.value[0], message=f"as asked: {code.name}")
        expect_status(lambda: server.stub.UnaryCall(
            messages_pb2.SimpleRequest(response_status=asked), timeout=SECONDS),
            code, f"as asked: {code.name}")


CASES = [
    custom_metadata_unary, custom_metadata_duplex, metadata_of_any_bytes,
    status_code_and_message_unary, status_code_and_message_duplex, special_status_message,
    every_status_code,
]
