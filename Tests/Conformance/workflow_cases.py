"""Durable runs, asked as a foreign client asks."""

import json
import time
import uuid

import grpc
from cadre.v1 import common_pb2 as common
from cadre.v1 import workflow_service_pb2 as pb

from cases import Failed, expect, expect_equal

SECONDS = 60
WORKFLOW = "calendar-discovery"
TOTALS = {"entries", "ready_triples", "upcoming", "stale", "overdue"}
LISTING = {"symbol", "name", "vcoin_id", "open_time", "notice_hours", "urgency", "confidence"}


def _completed_run(server) -> str:
    """Runs the workflow to its end; its id."""
    started = server.workflows.StartRun(pb.StartRunRequest(workflow=WORKFLOW), timeout=SECONDS)
    ended = server.workflows.AwaitRun(
        pb.AwaitRunRequest(run=pb.RunReference(run_id=started.run_id)), timeout=SECONDS)
    expect_equal(ended.run.status, pb.RUN_STATUS_COMPLETED, f"status ({ended.run.failure})")
    return started.run_id


def _history(server, run_id: str, **asked):
    """All events of a run, page after page."""
    events, following = [], 1
    while following:
        page = server.workflows.GetHistory(pb.GetHistoryRequest(
            run=pb.RunReference(run_id=run_id), from_sequence=following, **asked), timeout=SECONDS)
        events += page.events
        following = page.next_sequence
    return events


def the_workflow_is_known(server):
    names = [d.name for d in server.workflows.ListDefinitions(
        pb.ListDefinitionsRequest(), timeout=SECONDS).definitions]
    expect(WORKFLOW in names, f"only {names}")
    definition = server.workflows.GetDefinition(
        pb.GetDefinitionRequest(name=WORKFLOW), timeout=SECONDS).definition
    expect(len(definition.steps) >= 4, f"{len(definition.steps)} steps")


def a_run_gives_its_result(server):
    started = server.workflows.StartRun(pb.StartRunRequest(
        workflow=WORKFLOW, input=common.Payload(data=b"{}")), timeout=SECONDS)
    ended = server.workflows.AwaitRun(
        pb.AwaitRunRequest(run=pb.RunReference(run_id=started.run_id)), timeout=SECONDS)
    expect_equal(ended.run.status, pb.RUN_STATUS_COMPLETED, f"status ({ended.run.failure})")
    result = json.loads(ended.result.data)
    expect(TOTALS <= result["totals"].keys(), f"totals are {result['totals']}")
    expect(result["listings"], "the simulated exchange has no listing")
    for listing in result["listings"]:
        expect(LISTING <= listing.keys(), f"a listing lacks {LISTING - listing.keys()}")


def execute_waits_for_the_result(server):
    ended = server.workflows.ExecuteRun(pb.ExecuteRunRequest(
        start=pb.StartRunRequest(workflow=WORKFLOW)), timeout=SECONDS)
    expect_equal(ended.run.status, pb.RUN_STATUS_COMPLETED, f"status ({ended.run.failure})")
    expect("totals" in json.loads(ended.result.data), "the result has no totals")


def history_tells_what_happened(server):
    events = _history(server, _completed_run(server), include_payloads=True)
    expect_equal([e.sequence for e in events], list(range(1, len(events) + 1)), "sequence numbers")
    expect_equal(events[0].type, pb.HISTORY_EVENT_TYPE_RUN_STARTED, "first event")
    expect_equal(events[-1].type, pb.HISTORY_EVENT_TYPE_RUN_COMPLETED, "last event")
    started = [e for e in events if e.type == pb.HISTORY_EVENT_TYPE_STEP_STARTED]
    completed = [e for e in events if e.type == pb.HISTORY_EVENT_TYPE_STEP_COMPLETED]
    expect(len(completed) >= 4, f"{len(completed)} steps completed")
    expect(all(e.agent and e.token for e in started), "a start without agent or fencing token")
    expect(all(e.payload.data for e in completed), "an output was asked for and did not come")


def history_comes_in_pages(server):
    run_id = _completed_run(server)
    expect_equal(_history(server, run_id, page_size=2), _history(server, run_id),
                 "pages put together")


def a_watch_tells_the_same_and_ends(server):
    run_id = _completed_run(server)
    updates = list(server.workflows.WatchRun(pb.WatchRunRequest(
        run=pb.RunReference(run_id=run_id)), timeout=SECONDS))
    expect_equal([u.event.sequence for u in updates[:-1]],
                 [e.sequence for e in _history(server, run_id)], "sequence numbers watched")
    expect_equal(updates[-1].closed.run.status, pb.RUN_STATUS_COMPLETED, "last update")


def a_watch_follows_an_open_run(server):
    """Begun at the start, it ends by itself when the run does."""
    started = server.workflows.StartRun(pb.StartRunRequest(workflow=WORKFLOW), timeout=SECONDS)
    updates = list(server.workflows.WatchRun(pb.WatchRunRequest(
        run=pb.RunReference(run_id=started.run_id)), timeout=SECONDS))
    sequences = [u.event.sequence for u in updates if u.WhichOneof("update") == "event"]
    expect_equal(sequences, list(range(1, len(sequences) + 1)), "sequence numbers watched")
    expect_equal(updates[-1].WhichOneof("update"), "closed", "last update")


def a_repeated_start_is_the_same_run(server):
    request = pb.StartRunRequest(workflow=WORKFLOW, request_id=str(uuid.uuid4()))
    first = server.workflows.StartRun(request, timeout=SECONDS)
    again = server.workflows.StartRun(request, timeout=SECONDS)
    expect_equal(again.run_id, first.run_id, "run of the repeated start")
    expect(again.existing and not first.existing, "`existing` is wrong")


def runs_are_listed_and_named(server):
    name = f"named-{uuid.uuid4()}"
    started = server.workflows.StartRun(
        pb.StartRunRequest(workflow=WORKFLOW, workflow_id=name), timeout=SECONDS)
    reference = pb.RunReference(workflow_id=name)
    ended = server.workflows.AwaitRun(pb.AwaitRunRequest(run=reference), timeout=SECONDS)
    expect_equal(ended.run.run_id, started.run_id, "run of the name")
    listed = server.workflows.ListRuns(
        pb.ListRunsRequest(workflow=WORKFLOW, page_size=1000), timeout=SECONDS).runs
    expect(started.run_id in [run.run_id for run in listed], "the run is not in the list")
    shown = server.workflows.GetRun(pb.GetRunRequest(run=reference), timeout=SECONDS)
    expect(all(s.state in (pb.STEP_STATE_COMPLETED, pb.STEP_STATE_SKIPPED)
               for s in shown.run.steps), "a step of a completed run is still open")


def runs_come_in_pages(server):
    pages, token = [], ""
    while True:
        page = server.workflows.ListRuns(
            pb.ListRunsRequest(page_size=2, page_token=token), timeout=SECONDS)
        pages += [run.run_id for run in page.runs]
        token = page.next_page_token
        if not token:
            break
    expect(len(pages) >= 3, f"only {len(pages)} runs")
    expect_equal(len(pages), len(set(pages)), "no run twice")


def _put(server, name: str, *steps, **fields):
    server.workflows.PutDefinition(pb.PutDefinitionRequest(
        definition=pb.WorkflowDefinition(name=name, version="1", steps=steps, **fields)),
        timeout=SECONDS)


def _start_of(server, name: str, **fields) -> pb.RunReference:
    started = server.workflows.StartRun(
        pb.StartRunRequest(workflow=name, **fields), timeout=SECONDS)
    return pb.RunReference(run_id=started.run_id)


def a_repeated_signal_is_taken_once(server):
    wait = pb.WaitStep(signal="go")
    _put(server, "two-signals", pb.StepDefinition(id="first", wait=wait),
         pb.StepDefinition(id="second", wait=wait, depends_on=["first"]))
    run = _start_of(server, "two-signals")
    for _ in range(2):
        answer = server.workflows.SignalRun(pb.SignalRunRequest(
            run=run, signal="go", payload=common.Payload(data=b"1"),
            request_id="once-" + run.run_id), timeout=SECONDS)
        expect_equal(answer.run.steps[1].state, pb.STEP_STATE_WAITING, "second step")
    server.workflows.SignalRun(pb.SignalRunRequest(
        run=run, signal="go", payload=common.Payload(data=b"2")), timeout=SECONDS)
    ended = server.workflows.AwaitRun(pb.AwaitRunRequest(run=run), timeout=SECONDS)
    expect_equal(json.loads(ended.result.data), {"first": 1, "second": 2}, "result")


def an_approval_is_for_its_assignees(server):
    _put(server, "ask-ann", pb.StepDefinition(
        id="ask", approval=pb.ApprovalStep(assignees=["ann"])))
    run = _start_of(server, "ask-ann")

    def decide(actor):
        return server.workflows.DecideApproval(pb.DecideApprovalRequest(
            run=run, step="ask", decision=pb.APPROVAL_DECISION_APPROVE, actor=actor),
            timeout=SECONDS)
    try:
        decide("eve")
        raise Failed("a stranger decided")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.FAILED_PRECONDITION, "status")
    decide("ann")
    ended = server.workflows.AwaitRun(pb.AwaitRunRequest(run=run), timeout=SECONDS)
    expect_equal(json.loads(ended.result.data)["ask"]["by"], "ann", "who decided")


def what_a_cancelled_run_did_is_undone(server):
    undo = pb.StepWork(agent_type="echo", operation="say")
    _put(server, "undoable",
         pb.StepDefinition(id="book", agent_type="echo", operation="say", compensation=undo),
         pb.StepDefinition(id="hold", depends_on=["book"],
                                  wait=pb.WaitStep(signal="never")))
    run = _start_of(server, "undoable")
    watch = server.workflows.WatchRun(pb.WatchRunRequest(run=run), timeout=SECONDS)
    for update in watch:
        if update.event.type == pb.HISTORY_EVENT_TYPE_STEP_WAITING:
            break
    server.workflows.CancelRun(pb.CancelRunRequest(run=run), timeout=SECONDS)
    ended = server.workflows.AwaitRun(pb.AwaitRunRequest(run=run), timeout=SECONDS).run
    expect_equal(ended.status, pb.RUN_STATUS_CANCELLED, "status")
    expect_equal(ended.compensation, pb.COMPENSATION_STATE_COMPENSATED, "compensation")


def conditions_and_contracts_hold(server):
    say = {"agent_type": "echo", "operation": "say"}
    _put(server, "contracts",
         pb.StepDefinition(id="big", when="input.amount > 100", **say),
         pb.StepDefinition(id="listed", depends_on=["big"], output_schema='{"type":"array"}',
                           optional=True, retry=pb.RetryPolicy(max_attempts=1), **say),
         input_schema='{"type":"object","required":["amount"]}')
    try:
        _start_of(server, "contracts")
        raise Failed("an input without an amount was taken")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.INVALID_ARGUMENT, "status")
        expect("amount" in error.details(), f"what is wrong is not named: {error.details()}")
    run = _start_of(server, "contracts", input=common.Payload(data=b'{"amount":7}'))
    ended = server.workflows.AwaitRun(pb.AwaitRunRequest(run=run), timeout=SECONDS).run
    expect_equal(ended.status, pb.RUN_STATUS_COMPLETED, "status")
    expect_equal([step.state for step in ended.steps],
                 [pb.STEP_STATE_SKIPPED, pb.STEP_STATE_FAILED], "steps")
    expect_equal(ended.steps[1].failure.type, "contract_violated", "failure")
    try:
        _put(server, "bad-contracts", pb.StepDefinition(id="a", when="input.a =", **say),
             input_schema='{"pattern":"x"}')
        raise Failed("a definition with a bad condition was taken")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.INVALID_ARGUMENT, "status")


def keys_are_held_paused_and_explained(server):
    wait = {"agent_type": "nobody", "operation": "say", "schedule_to_start_millis": 600_000}
    key = pb.ConcurrencyKey(key="py-key", limit=1)
    _put(server, "py-keyed", pb.StepDefinition(id="a", concurrency=key, **wait))
    first, second = _start_of(server, "py-keyed"), _start_of(server, "py-keyed")

    def causes(run):
        return server.workflows.ExplainRun(
            pb.ExplainRunRequest(run=run), timeout=SECONDS).causes

    def the_key():
        page = server.workflows.ListKeys(pb.ListKeysRequest(), timeout=SECONDS)
        return next(key for key in page.keys if key.key == "py-key")
    expect_equal([c.kind for c in causes(first)], [pb.RUN_CAUSE_KIND_NO_AGENT], "first's cause")
    behind, = causes(second)
    expect_equal((behind.kind, list(behind.waits_for), behind.position),
                 (pb.RUN_CAUSE_KIND_KEY, ["py-key"], 0), "second's cause")
    expect_equal([u.run_id for u in the_key().holders], [first.run_id], "holders")
    expect_equal([u.run_id for u in the_key().waiters], [second.run_id], "waiters")
    until = int(time.time() * 1000) + 600_000
    paused = server.workflows.PauseKey(pb.PauseKeyRequest(
        key="py-key", until_unix_millis=until, reason="drill", actor="ann"), timeout=SECONDS)
    expect_equal((paused.key.pause.reason, paused.key.pause.actor), ("drill", "ann"), "pause")
    server.workflows.TerminateRun(pb.TerminateRunRequest(run=first), timeout=SECONDS)
    behind, = causes(second)
    expect_equal(behind.until_unix_millis, until, "the pause's end")
    server.workflows.PauseKey(pb.PauseKeyRequest(key="py-key"), timeout=SECONDS)
    expect_equal([u.run_id for u in the_key().holders], [second.run_id], "holders after all")
    server.workflows.TerminateRun(pb.TerminateRunRequest(run=second), timeout=SECONDS)
    expect_equal(len(causes(second)), 0, "causes of a run that has ended")


def graphs_are_watched_from_where_they_were_got(server):
    go = pb.WaitStep(signal="go")
    _put(server, "py-graph", pb.StepDefinition(id="a", wait=go),
         pb.StepDefinition(id="b", wait=go, depends_on=["a"]))
    run = _start_of(server, "py-graph")
    got = server.workflows.GetGraph(pb.GetGraphRequest(run=run), timeout=SECONDS)
    expect_equal([(e.to, getattr(e, "from"), e.passed) for e in got.graph.edges],
                 [("b", "a", False)], "edges")
    expect_equal(got.graph.progress, 0, "progress")
    watch = server.workflows.WatchGraphs(pb.WatchGraphsRequest(
        run_ids=[run.run_id], after_sequence=got.sequence), timeout=SECONDS)
    first = next(watch)
    expect(first.ready, f"nothing has changed, but {first}")
    server.workflows.SignalRun(pb.SignalRunRequest(run=run, signal="go"), timeout=SECONDS)
    whole = next(watch)
    expect_equal([n.step.state for n in whole.graph.nodes],
                 [pb.STEP_STATE_COMPLETED, pb.STEP_STATE_WAITING], "nodes")
    server.workflows.SignalRun(pb.SignalRunRequest(run=run, signal="go"), timeout=SECONDS)
    states, sequence = {}, whole.sequence
    for update in watch:
        expect(update.sequence > sequence, "the sequence does not grow")
        sequence = update.sequence
        states |= {node.step.id: node.step.state for node in update.delta.nodes}
        if update.delta.status == pb.RUN_STATUS_COMPLETED:
            break
    expect_equal(states, {"b": pb.STEP_STATE_COMPLETED}, "what has changed")
    watch.cancel()
    try:
        next(server.workflows.WatchGraphs(
            pb.WatchGraphsRequest(after_sequence=1), timeout=SECONDS))
        raise Failed("a sequence of long ago was taken")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.OUT_OF_RANGE, "status")


def runs_are_found_by_their_attributes(server):
    mark = uuid.uuid4().hex
    _put(server, "attributed", pb.StepDefinition(id="a", agent_type="echo", operation="say"))
    for number in range(3):
        run = _start_of(server, "attributed", workflow_id=f"{mark}-{number}",
                        reuse_policy=pb.REUSE_POLICY_REJECT, attributes=[
                            pb.RunAttribute(name="mark", text=mark),
                            pb.RunAttribute(name="number", number=number)])
        server.workflows.AwaitRun(pb.AwaitRunRequest(run=run), timeout=SECONDS)
    condition = f"attributes.mark = '{mark}' AND attributes.number >= 1"
    listed = server.workflows.ListRuns(pb.ListRunsRequest(filter=condition), timeout=SECONDS).runs
    expect_equal([run.workflow_id for run in listed], [f"{mark}-2", f"{mark}-1"], "runs found")
    expect_equal(listed[0].attributes[1].number, 2, "number")
    counted = server.workflows.CountRuns(pb.CountRunsRequest(filter=condition), timeout=SECONDS)
    expect_equal([entry.count for entry in counted.counts], [2], "count")
    try:
        _start_of(server, "attributed", workflow_id=f"{mark}-0",
                  reuse_policy=pb.REUSE_POLICY_REJECT)
        raise Failed("a workflow id was used twice")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.ALREADY_EXISTS, "status")


def a_run_goes_on_as_a_new_one(server):
    _put(server, "unroll", pb.StepDefinition(id="say", agent_type="echo", operation="say"),
         pb.StepDefinition(id="next", depends_on=["say"], when="EXISTS input.more",
                           input_template='"${input.more}"',
                           continue_as_new=pb.ContinueStep()))
    mark = uuid.uuid4().hex
    first = _start_of(server, "unroll", workflow_id=mark,
                      input=common.Payload(data=b'{"more":{"more":{"last":1}}}'))
    ended = server.workflows.AwaitRun(pb.AwaitRunRequest(
        run=pb.RunReference(workflow_id=mark)), timeout=SECONDS).run
    expect_equal(ended.status, pb.RUN_STATUS_COMPLETED, f"status ({ended.failure})")
    runs, following = [], first.run_id
    while following:
        run = server.workflows.GetRun(pb.GetRunRequest(
            run=pb.RunReference(run_id=following)), timeout=SECONDS).run
        runs.append(run)
        following = run.continued_as
    expect_equal([run.status for run in runs], [
        pb.RUN_STATUS_CONTINUED_AS_NEW, pb.RUN_STATUS_CONTINUED_AS_NEW,
        pb.RUN_STATUS_COMPLETED], "states")
    expect_equal([run.continued_from for run in runs],
                 ["", runs[0].run_id, runs[1].run_id], "where they come from")
    expect_equal(runs[-1].run_id, ended.run_id, "the newest")
    last = _history(server, first.run_id)[-1]
    expect_equal((last.type, last.continued_run_id),
                 (pb.HISTORY_EVENT_TYPE_RUN_CONTINUED, runs[1].run_id), "the last event")
    watched = [update.WhichOneof("update") for update in server.workflows.WatchRun(
        pb.WatchRunRequest(run=first, follow=True), timeout=SECONDS)]
    expect_equal((watched.count("continued_run_id"), watched[-1]), (2, "closed"), "the watch")


def lists_come_in_pages(server):
    names, token = [], ""
    while True:
        page = server.workflows.ListDefinitions(pb.ListDefinitionsRequest(
            page_size=2, page_token=token), timeout=SECONDS)
        expect(len(page.definitions) <= 2, f"{len(page.definitions)} on a page of 2")
        names += [definition.name for definition in page.definitions]
        token = page.next_page_token
        if not token:
            break
    expect_equal(names, sorted(set(names)), "names")
    expect(WORKFLOW in names, f"only {names}")


CASES = [
    the_workflow_is_known, a_run_gives_its_result, execute_waits_for_the_result,
    history_tells_what_happened, history_comes_in_pages, a_watch_tells_the_same_and_ends,
    a_watch_follows_an_open_run, a_repeated_start_is_the_same_run, runs_are_listed_and_named,
    runs_come_in_pages, a_repeated_signal_is_taken_once, an_approval_is_for_its_assignees,
    what_a_cancelled_run_did_is_undone, conditions_and_contracts_hold,
    keys_are_held_paused_and_explained, graphs_are_watched_from_where_they_were_got,
    runs_are_found_by_their_attributes, a_run_goes_on_as_a_new_one, lists_come_in_pages,
]
