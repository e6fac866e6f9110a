"""HTTP/2 by hand (RFC 9113): a client that may send anything at all."""

import enum
import socket
import struct
import time
from dataclasses import dataclass, field

import hpack

from cases import Failed

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# The longest wait for anything a server should do at once.
SECONDS = 10


class FrameType(enum.IntEnum):
    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


ACK = END_STREAM = 0x1
END_HEADERS = 0x4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame, with whatever is wrong in it."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


@dataclass
class Answer:
    """What became of a stream, or of the connection with it."""

    headers: dict = field(default_factory=dict)
    data: bytes = b""
    # The code of RST_STREAM; None without one.
    reset: int | None = None
    # The code of GOAWAY; None without one.
    goaway: int | None = None
    closed: bool = False
    ended: bool = False

    @property
    def grpc_status(self) -> int | None:
        return int(self.headers["grpc-status"]) if "grpc-status" in self.headers else None

    @property
    def http_status(self) -> int | None:
        return int(self.headers[":status"]) if ":status" in self.headers else None


class RawConnection:
    """A connection on which frames are sent and read by hand."""

    def __init__(self, port: int, greet: bool = True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.encoder = hpack.Encoder()
        self._decoder = hpack.Decoder()
        self._received = b""
        if greet:
            self.send(PREFACE, frame(FrameType.SETTINGS, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *pieces: bytes) -> bool:
        """Sends; False when the server has closed the connection."""
        try:
            self.socket.sendall(b"".join(pieces))
            return True
        except OSError:
            return False

    def block(self, changes: dict | None = None, extra=()) -> bytes:
        """The header block of a good EmptyCall, with changes; None takes a field out."""
        fields = {
            ":method": "POST", ":scheme": "http", ":authority": "127.0.0.1",
            ":path": "/grpc.testing.TestService/EmptyCall", "te": "trailers",
            "content-type": "application/grpc",
        }
        fields.update(changes or {})
        given = [(name, value) for name, value in fields.items() if value is not None]
        return self.encoder.encode(given + list(extra), huffman=False)

    def headers(self, stream: int, block: bytes, end: bool = False) -> bytes:
        """HEADERS and as many CONTINUATION frames as the block needs."""
        first, rest = block[:16384], block[16384:]
        pieces = [frame(FrameType.HEADERS, (END_STREAM if end else 0)
                        | (0 if rest else END_HEADERS), stream, first)]
        while rest:
            part, rest = rest[:16384], rest[16384:]
            pieces.append(frame(FrameType.CONTINUATION, 0 if rest else END_HEADERS, stream, part))
        return b"".join(pieces)

    def read_frame(self, deadline: float):
        """The next frame as (type, flags, stream, payload); None when the connection is closed.

        Fails the case at the deadline.
        """
        head = self._read(9, deadline)
        if head is None:
            return None
        length = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = self._read(length, deadline)
        return None if payload is None else (kind, flags, stream & 0x7FFFFFFF, payload)

    def answer(self, stream: int, seconds: float = SECONDS) -> Answer:
        """Reads until the stream has ended, whichever way; fails if it does not."""
        answer = Answer()
        deadline = time.monotonic() + seconds
        while not (answer.ended or answer.closed or answer.reset is not None):
            read = self.read_frame(deadline)
            if read is None:
                answer.closed = True
            else:
                self._note(answer, stream, *read)
        return answer

    def end(self, seconds: float = SECONDS) -> Answer:
        """Reads until the server closes the connection; fails if it does not."""
        answer = Answer()
        deadline = time.monotonic() + seconds
        while not answer.closed:
            read = self.read_frame(deadline)
            if read is None:
                answer.closed = True
            elif read[0] == FrameType.GOAWAY:
                answer.goaway = struct.unpack(">I", read[3][4:8])[0]
        return answer

    def _note(self, answer: Answer, wanted: int, kind: int, flags: int, stream: int,
              payload: bytes) -> None:
        if kind == FrameType.HEADERS:
            # The decoder must see every block, also of streams nobody asked about.
            fields = dict(self._decoder.decode(payload))
            if stream == wanted:
                answer.headers.update(fields)
        elif kind == FrameType.DATA and stream == wanted:
            answer.data += payload
        elif kind == FrameType.RST_STREAM and stream == wanted:
            answer.reset = struct.unpack(">I", payload)[0]
        elif kind == FrameType.GOAWAY:
            answer.goaway = struct.unpack(">I", payload[4:8])[0]
        elif kind == FrameType.SETTINGS and not flags & ACK:
            self.send(frame(FrameType.SETTINGS, ACK, 0))
        if kind in (FrameType.HEADERS, FrameType.DATA) and stream == wanted and flags & END_STREAM:
            answer.ended = True

    def _read(self, count: int, deadline: float) -> bytes | None:
        while len(self._received) < count:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                raise Failed("the server did nothing in time") from None
            except ConnectionError:
                return None
            if not piece:
                return None
            self._received += piece
        taken, self._received = self._received[:count], self._received[count:]
        return taken
