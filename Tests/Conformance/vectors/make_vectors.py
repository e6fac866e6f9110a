"""Writes Tests/MessagesTests/PythonVectors.swift: bytes made by Python protobuf.

The Swift tests decode them, compare values written down by hand, and encode them again, so that
the codecs are held against an implementation that shares nothing with them.

    python make_vectors.py      needs grpcio-tools; run in the repository's root
"""

import importlib
import os
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
OUTPUT = os.path.join(ROOT, "Tests", "MessagesTests", "PythonVectors.swift")


def stubs():
    folder = tempfile.mkdtemp()
    subprocess.check_call(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{os.path.dirname(os.path.abspath(__file__))}",
         f"--python_out={folder}", "every_type.proto"])
    sys.path.insert(0, folder)
    return importlib.import_module("every_type_pb2")


pb = stubs()


def nested(depth):
    """A node with `depth` levels of nodes inside."""
    node = pb.Node()
    inner = node
    for _ in range(depth):
        inner = inner.child
        inner.SetInParent()
    return node


def tag(number, wire_type):
    return varint(number << 3 | wire_type)


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(number, data):
    return tag(number, 2) + varint(len(data)) + data


vectors = {}
"""Bytes by name."""

rewritten = {}
"""What Python makes of bytes that only the proto rules tell how to read: name -> (message type, bytes)."""


def vector(name, message):
    vectors[name] = message.SerializeToString(deterministic=True)


def foreign(name, kind, data):
    """Bytes no writer makes, and what Python reads them as, unknown fields dropped."""
    message = kind()
    message.ParseFromString(data)
    message.DiscardUnknownFields()
    vectors[name] = data
    rewritten[name] = message.SerializeToString(deterministic=True)


vector("singularExtremes", pb.Singular(
    int32_field=-2**31, int64_field=-2**63, uint32_field=2**32 - 1, uint64_field=2**64 - 1,
    sint32_field=-2**31, sint64_field=-2**63, fixed32_field=2**32 - 1, fixed64_field=2**64 - 1,
    sfixed32_field=-2**31, sfixed64_field=-2**63, float_field=struct.unpack("f", b"\xff\xff\x7f\x7f")[0],
    double_field=-1.7976931348623157e308, bool_field=True, string_field="ascii \u00e9\u4e16\U0001F600",
    bytes_field=bytes(range(256)), colour=pb.COLOUR_DARK_BLUE, sign=pb.SIGN_MINUS,
    node=pb.Node(value=1, child=pb.Node(value=2)), default=True, request_id="r-1",
    **{"class": True, "self": "me", "at": {"seconds": 1751209200, "nanos": 999999999}}))
vector("singularUnknownEnum", pb.Singular(colour=99))
vector("repeatedFull", pb.Repeated(
    int32_field=[0, 1, -1, 2**31 - 1, -2**31], int64_field=[0, -1, 2**63 - 1],
    uint32_field=[0, 2**32 - 1], uint64_field=[0, 2**64 - 1], sint32_field=[0, -1, 1, -2**31],
    sint64_field=[0, -1, 1, -2**63], fixed32_field=[0, 1, 2**32 - 1], fixed64_field=[0, 1, 2**64 - 1],
    sfixed32_field=[0, -1], sfixed64_field=[0, -1], float_field=[0, 1.5, -2.25], double_field=[0, 1e300],
    bool_field=[True, False, True], string_field=["", "a", "\u00e9"], bytes_field=[b"", b"\x00\xff"],
    colour=[0, 1, 7, 42], sign=[0, -3], node=[pb.Node(), pb.Node(value=5)], unpacked=[3, 0, -3]))
vector("maps", pb.Maps(
    text={"a": "1", "b": "", "": "empty"}, nodes={-1: pb.Node(value=7), 5: pb.Node()},
    flags={True: 1.5, False: 0}, colours={2**64 - 1: pb.COLOUR_RED}, blobs={-5: b"\x00", 5: b""}))
for name, fields in {
    "choiceNumber": {"number": 0}, "choiceText": {"text": ""}, "choiceData": {"data": b"\x01"},
    "choiceTree": {"tree": pb.Node(leaf="x")}, "choiceColour": {"colour": 7},
    "choiceFlag": {"flag": False}, "choiceReal": {"real": 0.0},
    "choiceInner": {"inner": pb.Choice.Inner(name="n", deeper=pb.Choice.Inner.Deeper(mood=1))},
    "choiceBoth": {"number": 3, "zigzag": -4},
}.items():
    vector(name, pb.Choice(**fields))
vector("nested100", nested(100))

foreign("lastScalarWins", pb.Singular, tag(1, 0) + varint(1) + tag(1, 0) + varint(2))
foreign("lastStringWins", pb.Singular, delimited(14, b"first") + delimited(14, b"last"))
foreign("lastCaseWins", pb.Choice, delimited(2, b"text") + tag(1, 0) + varint(9))
foreign("lastKeyWins", pb.Maps,
        delimited(1, delimited(1, b"k") + delimited(2, b"1"))
        + delimited(1, delimited(1, b"j") + delimited(2, b"2"))
        + delimited(1, delimited(1, b"k") + delimited(2, b"3")))
foreign("mapEntryWithoutKey", pb.Maps, delimited(1, delimited(2, b"v")))
foreign("mapEntryWithoutValue", pb.Maps, delimited(2, tag(1, 0) + varint(4)))
foreign("messagesMerge", pb.Singular,
        delimited(18, tag(1, 0) + varint(1) + delimited(3, tag(1, 0) + varint(8)))
        + delimited(18, delimited(2, tag(1, 0) + varint(2)) + delimited(3, tag(1, 0) + varint(9))))
foreign("choiceMerges", pb.Choice,
        delimited(4, tag(1, 0) + varint(1)) + delimited(4, delimited(5, b"leaf")))
foreign("choiceInterrupted", pb.Choice,
        delimited(4, tag(1, 0) + varint(1)) + tag(1, 0) + varint(1) + delimited(4, delimited(5, b"leaf")))
foreign("choiceInBothOneofs", pb.Choice,
        delimited(8, delimited(2, b"n")) + delimited(10, tag(1, 0) + varint(1)) + delimited(8, delimited(1, b""))
        + tag(9, 0) + varint(3))
foreign("mergeInsideMerge", pb.Node,
        delimited(2, delimited(2, tag(1, 0) + varint(1))) + delimited(2, delimited(2, delimited(5, b"x")))
        + delimited(4, delimited(2, b"")) + delimited(4, delimited(2, tag(1, 0) + varint(9))))
foreign("packedAsUnpacked", pb.Repeated, tag(1, 0) + varint(1) + tag(1, 0) + varint(2))
foreign("unpackedAsPacked", pb.Repeated, delimited(19, varint(1) + varint(2)))
foreign("packedInTwoParts", pb.Repeated, delimited(1, varint(1)) + tag(1, 0) + varint(2) + delimited(1, varint(3)))
foreign("packedBoolsOddly", pb.Repeated, delimited(13, b"\x02\x80\x00\x81\x00\x00"))
foreign("boolOfTwo", pb.Singular, tag(13, 0) + varint(2))
foreign("wideInt32", pb.Singular, tag(1, 0) + varint(2**40 + 7))
foreign("overlongVarint", pb.Singular, tag(1, 0) + b"\x85\x80\x80\x00")
foreign("unknownFields", pb.Singular,
        tag(500, 0) + varint(1) + tag(1, 0) + varint(3) + delimited(501, b"\xff\xfe") + tag(502, 1) + bytes(8)
        + tag(503, 5) + bytes(4))
foreign("foreignWireTypes", pb.Singular,
        delimited(1, b"abc") + tag(14, 0) + varint(5) + tag(18, 5) + bytes(4) + tag(12, 5) + bytes(4)
        + tag(2, 0) + varint(6))
foreign("foreignWireTypesInside", pb.Singular,
        delimited(18, tag(1, 5) + bytes(4) + delimited(2, delimited(1, b"x") + tag(1, 0) + varint(4)))
        + tag(2, 0) + varint(6))


def literal(data):
    return "".join(f"{byte:02x}" for byte in data)


def table(out, name, comment, rows):
    out.append(f"    /// {comment}")
    out.append(f"    static let {name}: [String: String] = [")
    for key, data in rows.items():
        out.append(f'        "{key}": "{literal(data)}",')
    out.append("    ]")


lines = [
    "// Generated by Tests/Conformance/vectors/make_vectors.py. Do not edit.",
    "// swift-format-ignore-file",
    "",
    "/// Bytes made by Python protobuf, in hex, by name.",
    "enum PythonVectors {",
]
table(lines, "bytes", "Messages as they were written, or put together by hand.", vectors)
lines.append("")
table(lines, "reading", "What Python writes after reading the hand-made ones.", rewritten)
lines.append("}")
with open(OUTPUT, "w", encoding="utf-8") as file:
    file.write("\n".join(lines) + "\n")
print(f"{len(vectors)} vectors")
