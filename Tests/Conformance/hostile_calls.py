"""Calls that are not right: each gets the status that gRPC wants, and its connection goes on."""

import struct

from cases import expect, expect_equal
from raw_connection import END_STREAM, Answer, FrameType, RawConnection, frame

CANCELLED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 1, 8, 12, 13
EMPTY_MESSAGE = bytes(5)


def _call(port: int, changes: dict | None = None, body: bytes = EMPTY_MESSAGE, extra=(),
          end: bool = True) -> Answer:
    """Makes one call, then a good one on the same connection; the answer to the first."""
    with RawConnection(port) as connection:
        connection.send(connection.headers(1, connection.block(changes, extra)))
        connection.send(frame(FrameType.DATA, END_STREAM if end else 0, 1, body))
        answer = connection.answer(1)
        expect(not answer.closed, "the connection was closed for the fault of one call")
        connection.send(connection.headers(3, connection.block()),
                        frame(FrameType.DATA, END_STREAM, 3, EMPTY_MESSAGE))
        expect_equal(connection.answer(3).grpc_status, 0, "status of the good call beside it")
        return answer


def a_good_call(port):
    """The raw client itself is in order, or the other cases would prove nothing."""
    answer = _call(port)
    expect_equal(answer.grpc_status, 0, "status")
    expect_equal(answer.data, EMPTY_MESSAGE, "response")


def content_types_with_suffix_and_parameter(port):
    for kind in ("application/grpc+proto", "application/grpc;charset=utf-8"):
        expect_equal(_call(port, {"content-type": kind}).grpc_status, 0, kind)


def get_instead_of_post(port):
    answer = _call(port, {":method": "GET"})
    expect_equal(answer.http_status, 405, "HTTP status")


def a_content_type_that_is_not_grpc(port):
    for kind in ("text/html", "application/json", "application/grpcx", None):
        expect_equal(_call(port, {"content-type": kind}).http_status, 415, f"for {kind}")


def a_timeout_that_is_none(port):
    for text in ("abc", "123456789S", "5x", "-1S", "S", "", "1 S", "1.5S"):
        answer = _call(port, {"grpc-timeout": text})
        refused = answer.grpc_status not in (None, 0) or answer.http_status == 400
        expect(refused, f"grpc-timeout {text!r} was taken: {answer}")


def a_path_that_leads_nowhere(port):
    for path in ("/grpc.testing.TestService/NoSuchMethod", "/no.such.Service/EmptyCall",
                 "/grpc.testing.testservice/EmptyCall", "/grpc.testing.TestService",
                 "/grpc.testing.TestService/EmptyCall/more", "/"):
        expect_equal(_call(port, {":path": path}).grpc_status, UNIMPLEMENTED, path)


def an_unknown_path_is_answered_at_once(port):
    """Without waiting for the end of the request."""
    answer = _call(port, {":path": "/no.such.Service/Method"}, body=b"", end=False)
    expect_equal(answer.grpc_status, UNIMPLEMENTED, "status")


def an_encoding_the_server_does_not_speak(port):
    answer = _call(port, {"grpc-encoding": "snappy"}, body=b"\x01\0\0\0\x03abc")
    expect_equal(answer.grpc_status, UNIMPLEMENTED, "status")
    expect("grpc-accept-encoding" in answer.headers, "the answer does not say what is spoken")


def a_compressed_flag_without_encoding(port):
    for flag in (b"\x01", b"\x02", b"\xff"):
        answer = _call(port, body=flag + b"\0\0\0\0")
        expect_equal(answer.grpc_status, INTERNAL, f"status for the flag {flag!r}")


def a_prefix_that_claims_gigabytes(port):
    """Refused on the prefix alone, at once, before anything is allocated."""
    answer = _call(port, body=b"\0\xff\xff\xff\xff" + bytes(10), end=False)
    expect_equal(answer.grpc_status, RESOURCE_EXHAUSTED, "status")


def a_message_that_is_cut_off(port):
    for body in (b"\0\0\0", b"\0\0\0\0\x0ahalf", b"\0\0\0\0\0\0"):
        expect_equal(_call(port, body=body).grpc_status, INTERNAL, f"status for {body!r}")


def more_or_less_than_one_message(port):
    for body in (b"", EMPTY_MESSAGE * 2):
        expect_equal(_call(port, body=body).grpc_status, UNIMPLEMENTED, f"status for {body!r}")


def a_message_byte_by_byte(port):
    """Where DATA frames end means nothing; empty ones are legal."""
    message = struct.pack(">BI", 0, 4) + b"\x8a\x01\x01x"
    with RawConnection(port) as connection:
        connection.send(connection.headers(1, connection.block()))
        for byte in message:
            connection.send(frame(FrameType.DATA, 0, 1, bytes([byte])),
                            frame(FrameType.DATA, 0, 1))
        connection.send(frame(FrameType.DATA, END_STREAM, 1))
        expect_equal(connection.answer(1).grpc_status, 0, "status")


def a_header_list_that_is_too_big(port):
    answer = _call(port, extra=[(f"x-{number}", "v" * 4000) for number in range(5)])
    expect(answer.http_status == 431 or answer.grpc_status == RESOURCE_EXHAUSTED,
           f"20 KB of headers were taken: {answer}")


def binary_metadata_that_is_not_base64(port):
    for value in ("!", "=", "abc$", "A", "====", ","):
        answer = _call(port, extra=[("x-grpc-test-echo-trailing-bin", value)])
        expect(answer.grpc_status is not None, f"no status for {value!r}: {answer}")


def reserved_and_unknown_headers(port):
    answer = _call(port, extra=[("grpc-whatever", "1"), ("user-agent", "x" * 1000),
                                ("grpc-previous-rpc-attempts", "999999999999")])
    expect_equal(answer.grpc_status, 0, "status")


CASES = [
    a_good_call, content_types_with_suffix_and_parameter, get_instead_of_post,
    a_content_type_that_is_not_grpc, a_timeout_that_is_none, a_path_that_leads_nowhere,
    an_unknown_path_is_answered_at_once, an_encoding_the_server_does_not_speak,
    a_compressed_flag_without_encoding, a_prefix_that_claims_gigabytes, a_message_that_is_cut_off,
    more_or_less_than_one_message, a_message_byte_by_byte, a_header_list_that_is_too_big,
    binary_metadata_that_is_not_base64, reserved_and_unknown_headers,
]
