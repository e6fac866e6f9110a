"""Requests made from a message's descriptor alone: a good one, and every way to spoil it."""

from dataclasses import dataclass

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor as Field

# What a field holds in a good request, by "Message.field" or by name. Whatever is not here is left
# at its default. A new RPC that wants more gets a line here; without one it is swept all the same,
# only that its good request may already be refused.
HINTS = {
    "agent_type": "echo",
    "operation": "say",
    "agent_id": "echo/1",
    "GetDefinitionRequest.name": "sweep",
    "WorkflowDefinition.name": "sweep",
    "WorkflowDefinition.version": "1",
    "StepDefinition.id": "a",
    "workflow": "sweep",
    "RunReference.workflow_id": "sweep-run",
    "Payload.data": b"{}",
    "priority": 3,
    "WorkerAgent.type": "sweep-remote",
    "step": "a",
    "signal": "sweep",
    "key": "sweep",
    "RunAttribute.name": "sweep",
    "RunAttribute.text": "sweep",
    "AbandonFillRequest.lease_token": 1,
    "ChildLoop.until": "EXISTS output",
    "ChildLoop.times": 3,
    "series": "sweep",
    "ReportOutcomeRequest.decision": "sweep",
    "InvokeRequest.key": "",
    "ConcurrencyKey.limit": 10_000,
    "RateKey.limit": 1_000_000,
    "RateKey.per_millis": 1_000,
    "topic": "sweep.topic",
    "pattern": "sweep.*",
    "filter": "",
    "name": "sweep",
    "reason": "sweep",
    "actor": "sweep",
    "owner": "sweep",
    "GetLockRequest.resource": "sweep",
    "BreakLockRequest.resource": "sweep",
    "acquire_id": "0000000000000001",
    "AcquireStreamRequest.wait_millis": 100,
    "LockClaim.lease_millis": 3_600_000,
}
# Members of a oneof that a good request uses, if any; else its first.
CHOSEN = {"RunReference.by": "workflow_id", "StepDefinition.kind": None}
# Messages inside messages are filled to this depth; deeper ones stay unset.
DEPTH = 4
# Over every limit on names; over the limit on payloads; over the limit on steps.
LONG_NAME, BIG_PAYLOAD, MANY = "x" * 5_000, b'"' + b"y" * (2 << 20) + b'"', 700
INTEGERS = {Field.CPPTYPE_INT32: (-1, 2**31 - 1, -2**31),
            Field.CPPTYPE_INT64: (-1, 2**63 - 1, -2**63),
            Field.CPPTYPE_UINT32: (2**32 - 1,), Field.CPPTYPE_UINT64: (2**64 - 1,)}
# Of mangled messages: a value of each wire type, the last ones impossible or endless.
MISFITS = ((0, b"\x01"), (0, b"\xff" * 11), (1, b"\x01" * 8), (1, b"\x01"), (2, b"\x02hi"),
           (2, b"\xff\xff\xff\xff\x0f"), (3, b""), (4, b""), (5, b"\x01" * 4), (6, b""), (7, b""))
CUTS, NESTED = 64, 1_000
REALS = (-1.0, float("inf"), float("nan"), 1e300)
TEXTS = ("not a name!\x01", " ", "../../etc/passwd", "\u2603\U0001f4a9", "{not json", "${a.b",
         "'; DROP", LONG_NAME)
BYTES = (b"{", b'{"a": 01}', b'"\xff"', b"[" * 2_000, BIG_PAYLOAD)


@dataclass(frozen=True)
class Request:
    """One request as it goes over the wire, and what was done to a good one."""

    wire: bytes
    # The changed field's name; None when the change is none that the server may complain of.
    field: str | None
    kind: str
    # Names of the messages around it, outermost first.
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{'.'.join((*self.path, self.field or ''))} {self.kind}"


def good(descriptor: Descriptor, depth: int = 0):
    """A request that should be taken."""
    message = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if not _is_chosen(field):
            continue
        hint = HINTS.get(f"{descriptor.name}.{field.name}", HINTS.get(field.name))
        if field.message_type is None:
            if hint is not None and not field.is_repeated:
                _set(message, field, hint)
        elif not _is_map(field) and depth < DEPTH and not _is_recursive(field):
            inner = good(field.message_type, depth + 1)
            if field.is_repeated:
                getattr(message, field.name).append(inner)
            elif inner.ByteSize() > 0 or field.containing_oneof is not None:
                getattr(message, field.name).CopyFrom(inner)
    return message


def spoiled(descriptor: Descriptor):
    """(good request, every request that differs from it in one thing), first for the one good
    request, then for each that has another member of a oneof, or a message left out so far."""
    base = good(descriptor)
    wire = base.SerializeToString()
    whole = [Request(b"", None, "empty"),
             Request(wire + b"\xfa\xff\x03\x05hello\xf8\xff\x03\x7f", None, "unknown fields"),
             Request(wire + wire, None, "everything twice")]
    yield wire, whole + list(_spoil(base, base, ()))
    yield from _alternatives(base, base, ())


def _alternatives(root, message, path: tuple[str, ...]):
    """The same for messages that the good request does not have, each put into it in turn."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None or _is_map(field) or len(path) >= DEPTH:
            continue
        inside = getattr(message, field.name)
        if field.is_repeated and inside:
            yield from _alternatives(root, inside[0], (*path, field.name))
        elif not field.is_repeated and message.HasField(field.name):
            yield from _alternatives(root, inside, (*path, field.name))
        elif not _is_recursive(field):
            kept = type(message)()
            kept.CopyFrom(message)
            added = good(field.message_type, len(path) + 1)
            part = inside.add() if field.is_repeated else inside
            part.SetInParent()
            part.CopyFrom(added)
            yield root.SerializeToString(), list(_spoil(root, part, (*path, field.name)))
            message.CopyFrom(kept)


def mangled(descriptor: Descriptor):
    """(what it is, bytes) that are no message of this kind, or barely one."""
    wire = good(descriptor).SerializeToString()
    for length in range(1, min(len(wire), CUTS)):
        yield f"cut after {length} of {len(wire)} bytes", wire[:length]
    for number in {*(field.number for field in descriptor.fields), 0, 2**29 - 1}:
        for wire_type, value in MISFITS:
            tag = _varint(number << 3 | wire_type)
            yield f"field {number} as wire type {wire_type}", wire + tag + value
        # Each message holds the next one, as far as a field of that number is a message at all.
        nested = b""
        for _ in range(NESTED):
            nested = _varint(number << 3 | 2) + _varint(len(nested)) + nested
        yield f"field {number} in itself {NESTED} times", nested


def _varint(value: int) -> bytes:
    written = b""
    while value > 127:
        written += bytes([value & 127 | 128])
        value >>= 7
    return written + bytes([value])


def _spoil(root, message, path: tuple[str, ...]):
    for field in message.DESCRIPTOR.fields:
        if _is_map(field):
            continue
        for kind, value in _values(field):
            yield _changed(root, message, field, kind, value, path)
        if field.message_type is None:
            continue
        if field.is_repeated:
            yield from _spoil_elements(root, message, field, path)
        elif message.HasField(field.name):
            yield _changed(root, message, field, "unset", None, path)
            # Only now: clearing a field sets what was its message adrift.
            yield from _spoil(root, getattr(message, field.name), (*path, field.name))


def _spoil_elements(root, message, field: Field, path: tuple[str, ...]):
    if not getattr(message, field.name):
        return
    first = type(getattr(message, field.name)[0])()
    first.CopyFrom(getattr(message, field.name)[0])
    yield _changed(root, message, field, f"{MANY} of them", [first] * MANY, path)
    yield _changed(root, message, field, "the same twice", [first] * 2, path)
    yield from _spoil(root, getattr(message, field.name)[0], (*path, field.name))


def _values(field: Field):
    """(what it is, value) of every wrong value; None clears the field."""
    if field.message_type is not None:
        return
    if not field.is_repeated:
        yield "empty", None
    for value in _scalars(field):
        text = repr(value)
        kind = text if len(text) < 40 else f"{len(value)} of {value[:1]!r}"
        yield kind, [value] if field.is_repeated else value
    if field.is_repeated:
        value = next(iter(_scalars(field)))
        yield f"{MANY} values", [value] * MANY


def _scalars(field: Field):
    if field.enum_type is not None:
        return (9_999, -1)
    if field.cpp_type == Field.CPPTYPE_STRING:
        return BYTES if field.type == Field.TYPE_BYTES else TEXTS
    if field.cpp_type in (Field.CPPTYPE_DOUBLE, Field.CPPTYPE_FLOAT):
        return REALS
    return INTEGERS.get(field.cpp_type, (True,))


def _changed(root, message, field: Field, kind: str, value, path: tuple[str, ...]) -> Request:
    """The wire form of `root` while `message`, a part of it, has another value in one field."""
    kept = type(message)()
    kept.CopyFrom(message)
    message.ClearField(field.name)
    if value is not None:
        _set(message, field, value)
    wire = root.SerializeToString()
    message.CopyFrom(kept)
    return Request(wire, field.name, kind, path)


def _set(message, field: Field, value) -> None:
    if field.is_repeated:
        getattr(message, field.name).extend(value)
    else:
        setattr(message, field.name, value)


def _is_map(field: Field) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _is_chosen(field: Field) -> bool:
    oneof = field.containing_oneof
    if oneof is None:
        return True
    chosen = CHOSEN.get(f"{oneof.containing_type.name}.{oneof.name}", oneof.fields[0].name)
    return field.name == chosen


def _is_recursive(field: Field) -> bool:
    return field.message_type == field.containing_type
