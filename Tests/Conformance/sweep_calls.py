"""Making one call of any kind with raw bytes, and reading what came of it."""

from dataclasses import dataclass

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

# A call is answered far sooner, unless it waits for something that does not come.
UNARY_SECONDS, STREAM_SECONDS = 4.0, 1.0


@dataclass(frozen=True)
class Outcome:
    code: grpc.StatusCode
    message: str
    # Of BadRequest: field -> description.
    faults: dict[str, str]
    answers: tuple[bytes, ...] = ()

    @property
    def is_ok(self) -> bool:
        return self.code == grpc.StatusCode.OK


class Method:
    """A method of the server, by its descriptor."""

    def __init__(self, channel: grpc.Channel, descriptor: MethodDescriptor):
        self.descriptor = descriptor
        self.name = f"{descriptor.containing_service.name}.{descriptor.name}"
        path = f"/{descriptor.containing_service.full_name}/{descriptor.name}"
        self._takes_stream = descriptor.client_streaming
        self._gives_stream = descriptor.server_streaming
        kind = (("stream" if self._takes_stream else "unary") + "_"
                + ("stream" if self._gives_stream else "unary"))
        self._call = getattr(channel, kind)(path)

    @property
    def input(self):
        return self.descriptor.input_type

    def answer(self, wire: bytes):
        return message_factory.GetMessageClass(self.descriptor.output_type).FromString(wire)

    def __call__(self, wire: bytes, metadata=()) -> Outcome:
        seconds = STREAM_SECONDS if self._gives_stream else UNARY_SECONDS
        request = iter([wire]) if self._takes_stream else wire
        answers: list[bytes] = []
        try:
            called = self._call(request, timeout=seconds, metadata=metadata)
            for answer in called if self._gives_stream else [called]:
                answers.append(answer)
                if self._gives_stream:  # The first says that the request was taken.
                    called.cancel()
                    break
            return Outcome(grpc.StatusCode.OK, "", {}, tuple(answers))
        except grpc.RpcError as error:
            return Outcome(error.code(), error.details() or "", _faults(error), tuple(answers))


def _faults(error: grpc.RpcError) -> dict[str, str]:
    faults: dict[str, str] = {}
    for pair in error.trailing_metadata() or ():
        if pair.key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(pair.value).details:
            bad = details.BadRequest()
            if detail.Unpack(bad):
                faults.update({v.field: v.description for v in bad.field_violations})
    return faults
