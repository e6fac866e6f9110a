"""Floods: frames that are legal one by one and cost the server more than the client.

Where a library can see them, the connection is ended long before the last frame.
"""

import struct
import threading
import time

from cases import Failed, expect, expect_equal
from raw_connection import (END_HEADERS, END_STREAM, SECONDS, FrameType, RawConnection, frame)

REFUSED_STREAM, CANCEL = 7, 8
# Announced by the server: ServerConfiguration.Limits.maxConcurrentStreams.
MAX_STREAMS = 128
FRAMES = 20_000
# Sent at once; small enough to notice soon that the server has had enough.
BATCH = 500


def _flood(port: int, make, prepare=None, reading: bool = True, count: int = FRAMES) -> None:
    """Sends `make(connection, number)` again and again; the server must end the connection."""
    with RawConnection(port) as connection:
        if prepare is not None:
            connection.send(prepare(connection))
        reader = threading.Thread(target=_drain, args=(connection,), daemon=True)
        if reading:
            reader.start()
        sent = 0
        while sent < count:
            batch = [make(connection, number) for number in range(sent, sent + BATCH)]
            if not connection.send(*batch):
                return
            sent += BATCH
        if reading:
            reader.join(timeout=5)
            expect(not reader.is_alive(), f"{count} frames were taken, and the connection kept")
        else:
            connection.end()


def _drain(connection: RawConnection) -> None:
    """Reads what comes until the connection is closed."""
    try:
        connection.end(seconds=60)
    except (Failed, OSError):
        pass


def pings(port):
    _flood(port, lambda c, n: frame(FrameType.PING, 0, 0, struct.pack(">Q", n)))


def pings_that_measure(port):
    """No flood: grpc-go sends a PING for the DATA of every answer, to measure the bandwidth."""
    with RawConnection(port) as connection:
        for number in range(300):
            stream = 2 * number + 1
            connection.send(connection.headers(stream, connection.block()),
                            frame(FrameType.DATA, END_STREAM, stream, bytes(5)))
            answer = connection.answer(stream)
            expect_equal(answer.grpc_status, 0, f"status of call {number}")
            connection.send(frame(FrameType.PING, 0, 0, struct.pack(">Q", number)))


def pings_with_answers_unread(port):
    _flood(port, lambda c, n: frame(FrameType.PING, 0, 0, struct.pack(">Q", n)), reading=False,
           count=200_000)


def settings(port):
    _flood(port, lambda c, n: frame(FrameType.SETTINGS, 0, 0, struct.pack(">HI", 4, 65535 + n % 9)))


def rapid_resets(port):
    """CVE-2023-44487."""
    def open_and_reset(connection, number):
        stream = 2 * number + 1
        return (connection.headers(stream, connection.block())
                + frame(FrameType.RST_STREAM, 0, stream, struct.pack(">I", CANCEL)))
    _flood(port, open_and_reset, count=5_000)


def resets_made_by_the_server(port):
    """CVE-2025-8671: each stream's window is made to overflow, so that the server resets it."""
    def open_and_overflow(connection, number):
        stream = 2 * number + 1
        return (connection.headers(stream, connection.block())
                + frame(FrameType.WINDOW_UPDATE, 0, stream, struct.pack(">I", 0x7FFFFFFF)))
    _flood(port, open_and_overflow, count=5_000)


def continuations(port):
    """CVE-2024-28182: a header block that does not end."""
    _flood(port, lambda c, n: frame(FrameType.CONTINUATION, 0, 1, b"\x00\x01a\x01b"),
           prepare=lambda c: frame(FrameType.HEADERS, 0, 1, c.block()))


def empty_data(port):
    """CVE-2019-9518."""
    _flood(port, lambda c, n: frame(FrameType.DATA, 0, 1),
           prepare=lambda c: c.headers(1, c.block()))


def window_updates(port):
    _flood(port, lambda c, n: frame(FrameType.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)))


def priorities(port):
    _flood(port, lambda c, n: frame(FrameType.PRIORITY, 0, 2 * n + 1, bytes(5)[:4] + b"\x01"))


def unknown_frames(port):
    """To be ignored (RFC 9113 section 4.1), and nghttp2 tells nobody of them: the connection may go
    on, but then it must go on well."""
    with RawConnection(port) as connection:
        for _ in range(FRAMES // BATCH):
            connection.send(frame(0xEE, 0, 0, b"whatever") * BATCH)
        connection.send(connection.headers(1, connection.block()),
                        frame(FrameType.DATA, END_STREAM, 1, bytes(5)))
        answer = connection.answer(1)
        expect(answer.closed or answer.grpc_status == 0, f"neither served nor ended: {answer}")


def a_header_bomb(port):
    """One entry of 4,000 bytes in the table, named 16,000 times: 64 MB from 16 KB."""
    with RawConnection(port) as connection:
        first = connection.block() + b"\x40\x01x" + b"\x7f\xa1\x1e" + b"v" * 4000
        connection.send(connection.headers(1, first, end=True))
        connection.send(frame(FrameType.HEADERS, END_HEADERS | END_STREAM, 3, b"\xbe" * 16000))
        answer = connection.answer(3)
        expect(answer.grpc_status != 0, f"the bomb was taken: {answer}")


def more_streams_than_allowed(port):
    """Those over the limit are refused, those below it are served."""
    with RawConnection(port) as connection:
        last = 2 * (MAX_STREAMS + 20) - 1
        for stream in range(1, last + 1, 2):
            connection.send(connection.headers(stream, connection.block()))
        answer = connection.answer(last)
        expect(answer.closed or answer.reset == REFUSED_STREAM, f"stream {last}: {answer}")
        if not answer.closed:
            connection.send(frame(FrameType.DATA, END_STREAM, 1, bytes(5)))
            expect_equal(connection.answer(1).grpc_status, 0, "status of the first call")


def a_client_that_does_not_read(port):
    """Sixty calls ask for 1 MiB each on a window that is never opened; then the client goes."""
    request = b"\x12\x04\x08\x80\x80\x40"
    message = struct.pack(">BI", 0, len(request)) + request
    with RawConnection(port) as connection:
        path = {":path": "/grpc.testing.TestService/StreamingOutputCall"}
        for stream in range(1, 121, 2):
            connection.send(connection.headers(stream, connection.block(path)),
                            frame(FrameType.DATA, END_STREAM, stream, message))
        kind = connection.read_frame(time.monotonic() + SECONDS)[0]
        expect(kind in (FrameType.SETTINGS, FrameType.WINDOW_UPDATE), f"frame of type {kind}")


CASES = [
    pings, pings_that_measure, pings_with_answers_unread, settings, rapid_resets,
    resets_made_by_the_server,
    continuations, empty_data, window_updates, priorities, unknown_frames, a_header_bomb,
    more_streams_than_allowed, a_client_that_does_not_read,
]
