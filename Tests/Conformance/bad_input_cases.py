"""Requests that must be refused: with the right status, a sentence, and details to act on."""

import grpc
from cadre.v1 import agent_service_pb2 as agents
from cadre.v1 import common_pb2 as common
from cadre.v1 import workflow_service_pb2 as workflows
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from cases import Failed, expect, expect_equal

SECONDS = 20


def _refused(call, code: grpc.StatusCode, *words: str) -> grpc.RpcError:
    """Fails unless `call()` is refused with this code and a message with these words."""
    try:
        call()
    except grpc.RpcError as error:
        expect_equal(error.code(), code, f"status ({error.details()})")
        for word in words:
            expect(word in error.details(), f"the message does not name {word}: {error.details()}")
        expect(len(error.details()) >= 8, f"the message says nothing: {error.details()!r}")
        return error
    raise Failed(f"the call succeeded where {code} was expected")


def _details(error: grpc.RpcError) -> list:
    """The rich details of an error, each in its own type."""
    packed = [p.value for p in error.trailing_metadata() if p.key == "grpc-status-details-bin"]
    expect(packed, "there is no grpc-status-details-bin")
    status = status_pb2.Status.FromString(packed[0])
    expect_equal(status.code, error.code().value[0], "code in the details")
    expect_equal(status.message, error.details(), "message in the details")
    found = []
    for any_detail in status.details:
        for kind in (details.ErrorInfo, details.BadRequest, details.RetryInfo,
                     details.PreconditionFailure):
            if any_detail.Is(kind.DESCRIPTOR):
                found.append(kind.FromString(any_detail.value))
    expect_equal(len(found), len(status.details), "details of a known type")
    return found


def _of(kind, error: grpc.RpcError):
    """The detail of this type; fails when there is none."""
    matching = [d for d in _details(error) if isinstance(d, kind)]
    expect(matching, f"no {kind.__name__} in the details")
    return matching[0]


def _bad_fields(error: grpc.RpcError) -> set[str]:
    return {violation.field for violation in _of(details.BadRequest, error).field_violations}


def _invoke(server, **fields):
    return lambda: server.agents.Invoke(agents.InvokeRequest(**fields), timeout=SECONDS)


def _start(server, **fields):
    return lambda: server.workflows.StartRun(workflows.StartRunRequest(**fields), timeout=SECONDS)


def an_unknown_agent_type(server):
    error = _refused(_invoke(server, agent_type="no-such-type", operation="say"),
                     grpc.StatusCode.NOT_FOUND, "no-such-type")
    expect_equal(_of(details.ErrorInfo, error).domain, "cadre", "domain of the reason")


def an_unknown_operation(server):
    error = _refused(_invoke(server, agent_type="echo", operation="no-such-operation"),
                     grpc.StatusCode.NOT_FOUND, "no-such-operation")
    expect(_of(details.ErrorInfo, error).reason, "the error has no reason")


def an_unknown_agent(server):
    _refused(lambda: server.agents.GetAgent(
        agents.GetAgentRequest(agent_id="no-such-agent"), timeout=SECONDS),
        grpc.StatusCode.NOT_FOUND, "no-such-agent")


def an_invocation_of_nothing(server):
    error = _refused(_invoke(server), grpc.StatusCode.INVALID_ARGUMENT)
    expect({"agent_type", "operation"} <= _bad_fields(error), f"only {_bad_fields(error)}")


def a_priority_out_of_range(server):
    error = _refused(_invoke(server, agent_type="echo", operation="say", priority=6),
                     grpc.StatusCode.INVALID_ARGUMENT)
    expect("priority" in _bad_fields(error), f"only {_bad_fields(error)}")


def an_unknown_workflow(server):
    error = _refused(_start(server, workflow="no-such-workflow"),
                     grpc.StatusCode.NOT_FOUND, "no-such-workflow")
    expect(_of(details.ErrorInfo, error).reason, "the error has no reason")


def a_workflow_without_name(server):
    error = _refused(_start(server), grpc.StatusCode.INVALID_ARGUMENT)
    expect("workflow" in _bad_fields(error), f"only {_bad_fields(error)}")


def an_input_that_is_not_json(server):
    for text in (b'{"a":', b"{'a': 1}", b'{"a": 01}', b'"\xff"', b"{} {}"):
        error = _refused(_start(server, workflow="calendar-discovery",
                                input=common.Payload(data=text)),
                         grpc.StatusCode.INVALID_ARGUMENT)
        expect(any(field.startswith("input") for field in _bad_fields(error)),
               f"only {_bad_fields(error)}")


def an_unknown_run(server):
    reference = workflows.RunReference(run_id="no-such-run")
    for method, request in (("GetRun", workflows.GetRunRequest),
                            ("AwaitRun", workflows.AwaitRunRequest),
                            ("GetHistory", workflows.GetHistoryRequest),
                            ("CancelRun", workflows.CancelRunRequest)):
        call = getattr(server.workflows, method)
        try:
            call(request(run=reference), timeout=SECONDS)
        except grpc.RpcError as error:
            expect(error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT),
                   f"{method}: {error.code()}")
            expect(error.details(), f"{method}: no message")
        else:
            raise Failed(f"{method} of an unknown run succeeded")


def a_run_that_is_not_named(server):
    _refused(lambda: server.workflows.GetRun(workflows.GetRunRequest(), timeout=SECONDS),
             grpc.StatusCode.INVALID_ARGUMENT)


def a_definition_with_many_faults(server):
    """All of them are named in one answer."""
    step = workflows.StepDefinition
    definition = workflows.WorkflowDefinition(name="faulty", version="1", steps=[
        step(id="a", agent_type="echo", operation="say", depends_on=["b"]),
        step(id="b", agent_type="echo", operation="say", depends_on=["a"]),
        step(id="c", agent_type="", operation="say"),
        step(id="d", agent_type="echo", operation="say", depends_on=["nowhere"]),
        step(id="d", agent_type="echo", operation="say"),
        step(id="e", agent_type="echo", operation="say", input_template="{not json"),
    ])
    error = _refused(lambda: server.workflows.PutDefinition(
        workflows.PutDefinitionRequest(definition=definition), timeout=SECONDS),
        grpc.StatusCode.INVALID_ARGUMENT)
    expect(len(_bad_fields(error)) >= 4, f"only {_bad_fields(error)}")


def a_namespace_that_is_no_name(server):
    _refused(lambda: server.workflows.ListRuns(
        workflows.ListRunsRequest(), metadata=(("cadre-namespace", "not a name!"),),
        timeout=SECONDS), grpc.StatusCode.INVALID_ARGUMENT, "cadre-namespace")


def a_namespace_that_is_said_twice(server):
    _refused(lambda: server.workflows.ListRuns(
        workflows.ListRunsRequest(),
        metadata=(("cadre-namespace", "one"), ("cadre-namespace", "other")), timeout=SECONDS),
        grpc.StatusCode.INVALID_ARGUMENT, "cadre-namespace")


def messages_that_are_not_protobuf(server):
    """Truncated, oversized and impossible fields, text that is not UTF-8 or has a NUL inside."""
    call = server.channel.unary_unary("/cadre.v1.AgentService/Invoke")
    for wire in (b"\x0a\x7fshort", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28",
                 b"\x0a\x03a\x00b", b"\x00\x01", b"\x0b", b"\xff" * 11, b"\x0f"):
        try:
            call(wire, timeout=SECONDS)
        except grpc.RpcError as error:
            expect(error.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT),
                   f"{wire!r}: {error.code()} ({error.details()})")
        else:
            raise Failed(f"{wire!r} was taken")


def a_deadline_that_is_too_short(server):
    request = workflows.ExecuteRunRequest(
        start=workflows.StartRunRequest(workflow="calendar-discovery"))
    _refused(lambda: server.workflows.ExecuteRun(request, timeout=0.0005),
             grpc.StatusCode.DEADLINE_EXCEEDED)


CASES = [
    an_unknown_agent_type, an_unknown_operation, an_unknown_agent, an_invocation_of_nothing,
    a_priority_out_of_range, an_unknown_workflow, a_workflow_without_name,
    an_input_that_is_not_json, an_unknown_run, a_run_that_is_not_named,
    a_definition_with_many_faults, a_namespace_that_is_no_name,
    a_namespace_that_is_said_twice, messages_that_are_not_protobuf,
    a_deadline_that_is_too_short,
]
