"""Interoperability cases of streams, their ends and their cancellation."""

import queue
import time

import grpc
from grpc.testing import messages_pb2

from cases import expect, expect_equal
from interop_unary import SECONDS, expect_status

REQUEST_BYTES = [27_182, 8, 1_828, 45_904]
RESPONSE_BYTES = [31_415, 9, 2_653, 58_979]


class Requests:
    """Requests handed to a call one by one, as the case goes on."""

    def __init__(self):
        self._waiting = queue.SimpleQueue()

    def send(self, request) -> None:
        self._waiting.put(request)

    def end(self) -> None:
        self._waiting.put(None)

    def __iter__(self):
        return iter(self._waiting.get, None)


def asking(response_bytes: int, request_bytes: int = 0, interval_us: int = 0):
    """A request for one response of the size."""
    return messages_pb2.StreamingOutputCallRequest(
        response_type=messages_pb2.COMPRESSABLE,
        response_parameters=[
            messages_pb2.ResponseParameters(size=response_bytes, interval_us=interval_us)],
        payload=messages_pb2.Payload(body=bytes(request_bytes)))


def sizes(responses) -> list[int]:
    return [len(response.payload.body) for response in responses]


def client_streaming(server):
    requests = (messages_pb2.StreamingInputCallRequest(
        payload=messages_pb2.Payload(body=bytes(size))) for size in REQUEST_BYTES)
    response = server.stub.StreamingInputCall(requests, timeout=SECONDS)
    expect_equal(response.aggregated_payload_size, sum(REQUEST_BYTES), "sum of the sizes")


def client_streaming_of_nothing(server):
    response = server.stub.StreamingInputCall(iter(()), timeout=SECONDS)
    expect_equal(response.aggregated_payload_size, 0, "sum of the sizes")


def server_streaming(server):
    request = messages_pb2.StreamingOutputCallRequest(
        response_type=messages_pb2.COMPRESSABLE,
        response_parameters=[messages_pb2.ResponseParameters(size=s) for s in RESPONSE_BYTES])
    responses = server.stub.StreamingOutputCall(request, timeout=SECONDS)
    expect_equal(sizes(responses), RESPONSE_BYTES, "sizes")


def server_streaming_with_intervals(server):
    """The server waits before each response: three times 50 ms."""
    request = messages_pb2.StreamingOutputCallRequest(response_parameters=[
        messages_pb2.ResponseParameters(size=1, interval_us=50_000) for _ in range(3)])
    began = time.monotonic()
    responses = server.stub.StreamingOutputCall(request, timeout=SECONDS)
    expect_equal(sizes(responses), [1, 1, 1], "sizes")
    expect(time.monotonic() - began >= 0.149, "the responses came before their intervals were over")


def server_streaming_to_a_slow_reader(server):
    """Far more than the windows hold, read after a pause: back-pressure, and nothing lost."""
    request = messages_pb2.StreamingOutputCallRequest(response_parameters=[
        messages_pb2.ResponseParameters(size=1 << 20) for _ in range(24)])
    call = server.stub.StreamingOutputCall(request, timeout=SECONDS)
    time.sleep(0.5)
    expect_equal(sizes(call), [1 << 20] * 24, "sizes")


def ping_pong(server):
    """Each response must come before the next request is sent."""
    requests = Requests()
    responses = server.stub.FullDuplexCall(iter(requests), timeout=SECONDS)
    for request_bytes, response_bytes in zip(REQUEST_BYTES, RESPONSE_BYTES):
        requests.send(asking(response_bytes, request_bytes))
        expect_equal(len(next(responses).payload.body), response_bytes, "bytes of the response")
    requests.end()
    expect_equal(list(responses), [], "responses after the last")
    expect_equal(responses.code(), grpc.StatusCode.OK, "status")


def empty_stream(server):
    responses = server.stub.FullDuplexCall(iter(()), timeout=SECONDS)
    expect_equal(list(responses), [], "responses")
    expect_equal(responses.code(), grpc.StatusCode.OK, "status")


def half_duplex(server):
    """All responses come after the last request."""
    requests = Requests()
    responses = server.stub.HalfDuplexCall(iter(requests), timeout=SECONDS)
    for size in RESPONSE_BYTES:
        requests.send(asking(size))
    requests.end()
    expect_equal(sizes(responses), RESPONSE_BYTES, "sizes")


def cancel_after_begin(server):
    requests = Requests()
    call = server.stub.StreamingInputCall.future(iter(requests), timeout=SECONDS)
    call.cancel()
    requests.end()
    expect(call.cancelled(), "the call was not cancelled")
    expect_equal(call.code(), grpc.StatusCode.CANCELLED, "status")


def cancel_after_first_response(server):
    requests = Requests()
    responses = server.stub.FullDuplexCall(iter(requests), timeout=SECONDS)
    requests.send(asking(RESPONSE_BYTES[0], REQUEST_BYTES[0]))
    expect_equal(len(next(responses).payload.body), RESPONSE_BYTES[0], "bytes of the response")
    responses.cancel()
    requests.end()
    expect_status(lambda: next(responses), grpc.StatusCode.CANCELLED)


def timeout_on_sleeping_server(server):
    requests = Requests()
    responses = server.stub.FullDuplexCall(iter(requests), timeout=0.001)
    requests.send(messages_pb2.StreamingOutputCallRequest(
        payload=messages_pb2.Payload(body=bytes(27_182))))
    expect_status(lambda: next(responses), grpc.StatusCode.DEADLINE_EXCEEDED)
    requests.end()


def deadline_during_a_stream(server):
    """The first response comes at once, the second would come after the deadline."""
    request = messages_pb2.StreamingOutputCallRequest(response_parameters=[
        messages_pb2.ResponseParameters(size=1),
        messages_pb2.ResponseParameters(size=1, interval_us=20_000_000)])
    responses = server.stub.StreamingOutputCall(request, timeout=0.3)
    expect_equal(len(next(responses).payload.body), 1, "bytes of the first response")
    expect_status(lambda: next(responses), grpc.StatusCode.DEADLINE_EXCEEDED)


CASES = [
    client_streaming, client_streaming_of_nothing, server_streaming,
    server_streaming_with_intervals, server_streaming_to_a_slow_reader, ping_pong, empty_stream,
    half_duplex, cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server,
    deadline_during_a_stream,
]
