"""Connections that break HTTP/2 (RFC 9113): ended with the right code, or without a word."""

import random
import socket
import struct
import time

from cases import expect, expect_equal
from raw_connection import (END_HEADERS, END_STREAM, PREFACE, FrameType, RawConnection, frame)

PROTOCOL_ERROR, FRAME_SIZE_ERROR, COMPRESSION_ERROR = 1, 6, 9
# What ServerConfiguration.Timeouts.handshake is, and as much again for a busy machine.
HANDSHAKE_SECONDS = 10
HANDSHAKE_PATIENCE = 20
SEED = 20260101


def _expect_end(port: int, code: int, *frames: bytes) -> None:
    """The connection is ended with this code after these frames."""
    with RawConnection(port) as connection:
        connection.send(*frames)
        expect_equal(connection.end().goaway, code, "code of GOAWAY")


def a_stream_identifier_that_goes_backwards(port):
    with RawConnection(port) as connection:
        connection.send(connection.headers(5, connection.block()),
                        connection.headers(3, connection.block()))
        expect_equal(connection.end().goaway, PROTOCOL_ERROR, "code of GOAWAY")


def a_stream_identifier_that_is_even(port):
    with RawConnection(port) as connection:
        connection.send(connection.headers(2, connection.block()))
        expect_equal(connection.end().goaway, PROTOCOL_ERROR, "code of GOAWAY")


def data_on_a_stream_that_is_idle(port):
    _expect_end(port, PROTOCOL_ERROR, frame(FrameType.DATA, 0, 7, b"x"))


def settings_on_a_stream(port):
    _expect_end(port, PROTOCOL_ERROR, frame(FrameType.SETTINGS, 0, 1))


def a_ping_of_seven_bytes(port):
    _expect_end(port, FRAME_SIZE_ERROR, frame(FrameType.PING, 0, 0, bytes(7)))


def a_frame_over_the_announced_size(port):
    _expect_end(port, FRAME_SIZE_ERROR, frame(0xFE, 0, 0, bytes(16385)))


def a_window_update_of_nothing(port):
    _expect_end(port, PROTOCOL_ERROR, frame(FrameType.WINDOW_UPDATE, 0, 0, bytes(4)))


def headers_that_do_not_decode(port):
    _expect_end(port, COMPRESSION_ERROR,
                frame(FrameType.HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\x0f"))


def headers_that_http_forbids(port):
    """Each is the fault of its stream alone."""
    for extra in ([("UPPER", "case")], [("connection", "close")], [(":late", "pseudo")],
                  [("newline", "a\nb")], [("te", "gzip")]):
        with RawConnection(port) as connection:
            connection.send(connection.headers(1, connection.block(extra=extra), end=True))
            answer = connection.answer(1)
            expect(answer.reset == PROTOCOL_ERROR or answer.http_status == 400,
                   f"{extra} was taken: {answer}")


def something_that_is_not_http2(port):
    for words in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                  b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + bytes(9)):
        with RawConnection(port, greet=False) as connection:
            connection.send(words)
            connection.end()


def random_bytes(port):
    """Two hundred connections of noise, half of them after a good greeting."""
    noise = random.Random(SEED)
    print(f"         seed {SEED}")
    for number in range(200):
        with RawConnection(port, greet=number % 2 == 0) as connection:
            connection.send(noise.randbytes(noise.randrange(1, 4000)))


def random_frames(port):
    """Two hundred connections of frames that are well formed and mean nothing."""
    noise = random.Random(SEED)
    print(f"         seed {SEED}")
    for _ in range(200):
        with RawConnection(port) as connection:
            connection.send(*(frame(noise.randrange(12), noise.randrange(256), noise.randrange(8),
                                    noise.randbytes(noise.randrange(64))) for _ in range(50)))


def a_greeting_that_does_not_come(port):
    """Nothing, half a preface, and a preface without SETTINGS: closed when the time is up."""
    waiting = []
    for words in (b"", PREFACE[:10], PREFACE):
        connection = RawConnection(port, greet=False)
        connection.send(words)
        waiting.append(connection)
    began = time.monotonic()
    for connection in waiting:
        connection.end(HANDSHAKE_PATIENCE)
        connection.socket.close()
    expect(time.monotonic() - began > HANDSHAKE_SECONDS / 2, "a slow client was given no time")


def connections_that_break_off(port):
    """Three hundred clients that go away in the middle of a message, half of them with RST."""
    for number in range(300):
        with RawConnection(port) as connection:
            connection.send(connection.headers(1, connection.block()),
                            frame(FrameType.DATA, 0, 1, b"\0\0\0\x10\0half"))
            if number % 2 == 0:
                linger = struct.pack("ii", 1, 0)
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


CASES = [
    a_stream_identifier_that_goes_backwards, a_stream_identifier_that_is_even,
    data_on_a_stream_that_is_idle, settings_on_a_stream, a_ping_of_seven_bytes,
    a_frame_over_the_announced_size, a_window_update_of_nothing, headers_that_do_not_decode,
    headers_that_http_forbids, something_that_is_not_http2, random_bytes, random_frames,
    a_greeting_that_does_not_come, connections_that_break_off,
]
