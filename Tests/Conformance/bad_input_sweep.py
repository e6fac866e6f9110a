#!/usr/bin/env python3
"""Sends every RPC of proto/cadre/v1 each field empty, huge, wrong, unknown and duplicated.

    bad_input_sweep.py --port N --pid N [--only Service.Method]

Nothing here knows a particular RPC: methods and fields come from the descriptors, so that a new one
is swept from the day it is in proto/. Held of every call:

- it is answered, with a status that a caller can act on: never INTERNAL, UNKNOWN, UNIMPLEMENTED or
  DATA_LOSS, and nothing but OK without a sentence;
- INVALID_ARGUMENT names the fields at fault, and when one field of a good request was spoiled, that
  field (or the message around it) is among them;
- unknown fields change nothing; bytes that are no message, or a message over 4 MiB, are refused;
- a refusal has no effect: all that can be listed is the same before and after;
- a second sweep leaves the server's memory where the first one did.
"""

import argparse
import collections
import glob
import importlib
import os
import sys
import time

import grpc

import stubs
from cases import Cases, expect

PROTOS = sorted(os.path.relpath(path, stubs.PROTO)
                for path in glob.glob(os.path.join(stubs.PROTO, "cadre/v1/*.proto")))
stubs.generate(*PROTOS, "google/rpc/status.proto", "google/rpc/error_details.proto")

from sweep_calls import Method, Outcome  # noqa: E402  The stubs must be there first.
from sweep_messages import Request, good, mangled, spoiled  # noqa: E402

# A taken call of these would end the sweep.
LEFT_OUT = {"AdminService.Drain"}
# A taken call of these takes away what the others need, so they come last.
LAST = ("Drain", "Isolate", "Force", "Set", "Delete")
# A worker that was let in by a sweep of Connect goes when its lease ends, whatever is sent then.
COMES_AND_GOES = {"AgentService.ListAgents"}
# What these tell of is shared by all namespaces.
WITHOUT_NAMESPACE = {"AdminService.GetInfo", "AgentService.ListAgents", "AgentService.GetAgent",
                     "AgentService.CheckHealth",
                     "AgentService.WatchAgents", "AgentService.DrainAgent", "AgentService.Connect",
                     "AdminService.Backup", "AdminService.VerifyStore"}
# An unknown field of 6 MiB; requests may have 4.
OVERSIZED = b"\xfa\xff\x03" + b"\x80\x80\x80\x03" + b"z" * (6 << 20)
NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED,
         grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNAUTHENTICATED}
INVALID, TOO_LATE = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.DEADLINE_EXCEEDED
# A call that ends so has changed nothing.
WITHOUT_EFFECT = {INVALID, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ALREADY_EXISTS,
                  grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.OUT_OF_RANGE,
                  grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL,
                  grpc.StatusCode.ABORTED}
# A rule about two fields may be told at the other one.
TOLD_AT = {"trip_at": "recover_at", "payload": "outcome", "truth": "outcome"}
SPARE_MIB = 24
TOLD_FAULTS = 8


class Sweep:
    """All methods of the server, and what is wrong with their answers."""

    def __init__(self, channel: grpc.Channel, methods: list[Method]):
        self.methods = methods
        self._lists = [method for method in methods
                       if method.descriptor.name.startswith("List")
                       and method.name not in COMES_AND_GOES
                       and not method.descriptor.server_streaming]

    def of(self, method: Method, with_effects: bool = True) -> list[str]:
        """Sends all that can be wrong with a method; the faults found."""
        faults, refused = [], []
        for wire, requests in spoiled(method.input):
            base = method(wire)
            if base.code == grpc.StatusCode.UNIMPLEMENTED:
                return [f"the server does not have it: {base.message}"]
            faults += _faults_of(base, None)
            for request in requests:
                outcome = method(request.wire)
                is_good = base.code not in (INVALID, TOO_LATE)
                found = _faults_of(outcome, request if is_good else None)
                if (request.kind == "unknown fields"
                        and outcome.code not in _as_before(method, base)):
                    found.append(f"{outcome.code.name}; without, it is {base.code.name}")
                faults += [f"{request}: {fault}" for fault in found]
                if outcome.code in WITHOUT_EFFECT:
                    refused.append((str(request), request.wire))
        return faults + (self._effects(method, refused) if with_effects else [])

    def mangled(self, method: Method) -> list[str]:
        """Bytes that are no such message; INTERNAL is what gRPC says of those."""
        faults, refused = [], []
        for what, wire in mangled(method.input):
            outcome = method(wire)
            if outcome.code == grpc.StatusCode.UNIMPLEMENTED:
                return [f"the server does not have it: {outcome.message}"]
            if outcome.code in NEVER - {grpc.StatusCode.INTERNAL}:
                faults.append(f"{what}: {outcome.code.name}: {outcome.message}")
            if outcome.code in WITHOUT_EFFECT:
                refused.append((what, wire))
        outcome = method(OVERSIZED)
        if outcome.code != grpc.StatusCode.RESOURCE_EXHAUSTED:
            faults.append(f"over 4 MiB: {outcome.code.name}: {outcome.message}")
        return faults + self._effects(method, refused)

    def _effects(self, method: Method, refused: list[tuple[str, bytes]]) -> list[str]:
        """Sends what was refused once more; no list may change. All together first, to be quick."""
        before = self._listed()
        for _, wire in refused:
            method(wire)
        if self._listed() == before:
            return []
        faults = []
        for what, wire in refused:
            before = self._listed()
            code = method(wire).code
            if code in WITHOUT_EFFECT and self._listed() != before:
                faults.append(f"{what}: {code.name}, and yet something changed")
        return faults

    def namespace(self, method: Method) -> list[str]:
        """A namespace that is no name is refused, unless the call is about none (the pool's agents
        are shared by all)."""
        wire = good(method.input).SerializeToString()
        outcome = method(wire, (("cadre-namespace", "not a name!"),))
        if outcome.code == INVALID:
            return []
        if method.name in WITHOUT_NAMESPACE and outcome.code == method(wire).code:
            return []
        return [f"{outcome.code.name}: {outcome.message}"]

    def _listed(self) -> tuple:
        """What is there, by the first text of every element of every list."""
        return tuple(self._elements(method) for method in self._lists)

    @staticmethod
    def _elements(method: Method):
        outcome = method(b"")
        if not outcome.is_ok:
            return outcome.code
        answer = method.answer(outcome.answers[0])
        return frozenset(_identity(element) for field, value in answer.ListFields()
                         if field.is_repeated and field.message_type for element in value)


def _identity(element) -> tuple:
    return tuple(str(value) for field, value in element.ListFields()
                 if isinstance(value, str))[:2]


def _as_before(method: Method, base: Outcome) -> set[grpc.StatusCode]:
    """What a request may get when it is sent once more."""
    gone = method.descriptor.name.startswith("Delete")
    again = grpc.StatusCode.NOT_FOUND if gone else grpc.StatusCode.ALREADY_EXISTS
    return {base.code, TOO_LATE} | ({again} if base.is_ok else set())


def _faults_of(outcome: Outcome, spoilt: Request | None) -> list[str]:
    if outcome.is_ok:
        return []
    faults = []
    if outcome.code in NEVER:
        faults.append(f"{outcome.code.name}: {outcome.message}")
    if len(outcome.message) < 8:
        faults.append(f"{outcome.code.name} without a sentence: {outcome.message!r}")
    if outcome.code == INVALID:
        if not outcome.faults:
            faults.append(f"INVALID_ARGUMENT names no field: {outcome.message}")
        elif empty := [pair for pair in outcome.faults.items() if not _is_told(*pair)]:
            faults.append(f"a fault without field or description: {empty[:3]}")
        elif spoilt is not None and spoilt.field and not _names(outcome, spoilt):
            faults.append(f"INVALID_ARGUMENT names {sorted(outcome.faults)[:5]}")
    return faults


def _is_told(field: str, description: str) -> bool:
    """Whether a fault says what is wrong with what; the last may stand for those left out."""
    return bool(field and description) or description.startswith("and ")


def _names(outcome: Outcome, spoilt: Request) -> bool:
    """Whether a fault is about the spoilt field, something in it, or a message around it."""
    for name in outcome.faults:
        parts = [part.split("[")[0] for part in name.split(".")]
        if spoilt.field in parts or parts[-1] in (*spoilt.path, TOLD_AT.get(spoilt.field)):
            return True
    return False


def resident_mib(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def prepare(methods: dict[str, Method]) -> None:
    """A workflow and an ended run, so that good requests find what they name."""
    put = methods["WorkflowService.PutDefinition"]
    put(good(put.input).SerializeToString())
    start = methods["WorkflowService.ExecuteRun"]
    request = good(start.input)
    request.start.workflow_id = "sweep-run"
    outcome = start(request.SerializeToString())
    expect(outcome.is_ok, f"a good run was refused: {outcome}")


def all_methods(channel: grpc.Channel) -> dict[str, Method]:
    found = {}
    for proto in PROTOS:
        module = importlib.import_module(proto.removesuffix(".proto").replace("/", ".") + "_pb2")
        for service in module.DESCRIPTOR.services_by_name.values():
            for descriptor in service.methods:
                method = Method(channel, descriptor)
                found[method.name] = method
    return found


def tell(faults: list[str]) -> None:
    """Fails the case when there are any, with the same ones together."""
    counted = collections.Counter(faults)
    shown = [f"{fault}" + (f" ({times} times)" if times > 1 else "")
             for fault, times in counted.most_common(TOLD_FAULTS)]
    if len(counted) > TOLD_FAULTS:
        shown.append(f"and {len(counted) - TOLD_FAULTS} more")
    expect(not faults, "\n         ".join(shown))


def sweep_all(cases: Cases, sweep: Sweep, pid: int, only: str | None) -> None:
    chosen = [method for method in sweep.methods
              if method.name not in LEFT_OUT and only in (None, method.name)]
    chosen.sort(key=lambda method: method.descriptor.name.startswith(LAST))
    for method in chosen:
        cases.run(method.name, lambda method=method: tell(sweep.of(method)))
        cases.run(f"{method.name}, bytes that are none",
                  lambda method=method: tell(sweep.mangled(method)))
    cases.run("a namespace that is no name, everywhere", lambda: tell(
        [f"{m.name}: {fault}" for m in chosen for fault in sweep.namespace(m)]))
    before = resident_mib(pid)

    def again():
        for method in chosen:
            sweep.of(method, with_effects=False)
        grown = resident_mib(pid) - before
        expect(grown < SPARE_MIB, f"the server holds {grown:.0f} MiB more after a second sweep")

    cases.run("memory after a second sweep", again)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--pid", type=int, required=True, help="of the server")
    options.add_argument("--only", help="one method, such as WorkflowService.StartRun")
    chosen = options.parse_args()
    cases, began = Cases("bad input sweep"), time.monotonic()
    with grpc.insecure_channel(f"127.0.0.1:{chosen.port}",
                               options=[("grpc.max_send_message_length", -1)]) as channel:
        grpc.channel_ready_future(channel).result(timeout=20)
        methods = all_methods(channel)
        prepare(methods)
        sweep_all(cases, Sweep(channel, list(methods.values())), chosen.pid, chosen.only)
    print(f"  {len(methods)} methods in {time.monotonic() - began:.0f} s; left out: "
          f"{', '.join(sorted(LEFT_OUT & methods.keys())) or 'none'}")
    return cases.close()


if __name__ == "__main__":
    sys.exit(main())
