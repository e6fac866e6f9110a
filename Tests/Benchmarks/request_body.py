"""The one request that every server under measurement gets."""

import struct

# What the echo agent is asked to say: a small JSON object, as a market agent would be sent.
SAYING = (b'{"symbol":"NEWUSDT","price":"0.018342","at":1751209200000,'
          b'"reason":"price crossed the band"}')
REQUEST_ID = b"7f4a2c1e-90b3-4d56-8a1f-3c5d7e9b0a24"


def _field(number: int, value: bytes) -> bytes:
    """A length-delimited protobuf field of fewer than 128 bytes."""
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def invoke_request() -> bytes:
    """`cadre.v1.InvokeRequest` for `echo`/`say`, by hand so that no package is needed."""
    payload = _field(1, SAYING)
    return (_field(1, b"echo") + _field(2, b"say") + _field(3, payload)
            + _field(5, REQUEST_ID) + bytes([6 << 3, 2]))


def framed() -> bytes:
    """The request with the five bytes that gRPC puts before a message."""
    message = invoke_request()
    return struct.pack(">BI", 0, len(message)) + message
