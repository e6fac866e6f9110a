"""Ballots, put to remote agents in Python and asked for as a foreign client asks."""

import contextlib
import json
import threading
import time

import grpc
from cadre.v1 import agent_service_pb2 as agents
from cadre.v1 import ballot_service_pb2 as pb
from cadre.v1 import common_pb2 as common
from cadre.v1 import workflow_service_pb2 as workflows

import remote_agent
from bad_input_cases import _bad_fields as bad_fields
from bad_input_cases import _refused as refused
from cases import expect, expect_equal

SECONDS = 30


@contextlib.contextmanager
def judges(server, *answers):
    """A remote agent for each answer: a JSON text, an exception to raise, or an event to wait for."""
    running = []
    for number, answer in enumerate(answers):
        def judge(payload, work, answer=answer):
            """Says what it was made to say."""
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, threading.Event):
                answer.wait(SECONDS)
                return b"null"
            return answer.encode()
        agent = remote_agent.RemoteAgent(f"127.0.0.1:{server.port}", "python-judge",
                                         {"judge": judge}, agent_id=f"judge-{number}")
        thread = threading.Thread(target=agent.run, daemon=True)
        thread.start()
        running.append((agent, thread))
    try:
        deadline = time.monotonic() + SECONDS
        while len(_judges(server)) < len(answers):
            expect(time.monotonic() < deadline, "the judges did not join")
            time.sleep(0.02)
        yield
    finally:
        for answer in answers:
            if isinstance(answer, threading.Event):
                answer.set()
        for agent, thread in running:
            agent.stop()
            thread.join(SECONDS)
        deadline = time.monotonic() + SECONDS
        while _judges(server):
            expect(time.monotonic() < deadline, "the judges did not leave")
            time.sleep(0.02)


def _judges(server):
    return server.agents.ListAgents(
        agents.ListAgentsRequest(agent_type="python-judge"), timeout=SECONDS).agents


def decide(server, voters=None, deadline_millis=SECONDS * 1000, request_id="", **rules):
    return server.ballots.Decide(pb.DecideRequest(
        operation="judge", payload=common.Payload(data=b'{"question": 1}'),
        voters=voters or [pb.Voter(agent_type="python-judge", every_instance=True)],
        rules=pb.BallotRules(**rules), deadline_millis=deadline_millis, request_id=request_id),
        timeout=SECONDS)


def a_majority_decides_and_names_who_was_against_it(server):
    with judges(server, '{"side": "buy", "n": 1}', '{"n": 1.0, "side": "buy"}', '"sell"'):
        answer = decide(server, hear_all=True)
        expect(answer.decided and not answer.early, f"got {answer}")
        expect_equal(json.loads(answer.result.data)["side"], "buy", "result")
        expect_equal(answer.quorum, 1.0, "quorum")
        expect(abs(answer.support - 2 / 3) < 1e-9, f"support {answer.support}")
        expect(abs(answer.margin - 1 / 3) < 1e-9, f"margin {answer.margin}")
        expect(abs(answer.agreement - 1 / 3) < 1e-9, f"agreement {answer.agreement}")
        expect_equal([d.voter for d in answer.dissenters], ["judge-2"], "dissenters")
        expect_equal(answer.dissenters[0].answer.data, b'"sell"', "the dissenter's answer")
        expect_equal([list(c.voters) for c in answer.clusters],
                     [["judge-0", "judge-1"], ["judge-2"]], "clusters")


def a_certain_outcome_waits_for_nobody(server):
    endless = threading.Event()
    with judges(server, "1", "1", endless):
        begun = time.monotonic()
        answer = decide(server)
        expect(answer.decided and answer.early, f"got {answer}")
        expect(time.monotonic() - begun < SECONDS / 2, "it waited for the last one")
        expect_equal([(m.voter, m.reason) for m in answer.missing],
                     [("judge-2", pb.MISSING_REASON_NOT_NEEDED)], "missing")


def who_is_late_or_fails_counts_against_the_quorum(server):
    with judges(server, "1", threading.Event(), ValueError("no idea")):
        answer = decide(server, deadline_millis=300)
        expect(not answer.decided, f"got {answer}")
        expect_equal(answer.reason, pb.NO_DECISION_NO_QUORUM, "reason")
        missing = {m.voter: m for m in answer.missing}
        expect_equal(missing["judge-2"].reason, pb.MISSING_REASON_FAILED, "the one that failed")
        expect_equal(missing["judge-2"].failure.type, "ValueError", "its failure")


def the_methods_differ(server):
    with judges(server, "1", "1", "4", "5", "1000"):
        expect_equal(decide(server, method=pb.VOTING_METHOD_MAJORITY, hear_all=True).reason,
                     pb.NO_DECISION_NO_SUPPORT, "majority")
        expect_equal(decide(server, method=pb.VOTING_METHOD_UNANIMOUS).reason,
                     pb.NO_DECISION_NOT_UNANIMOUS, "unanimous")
        median = decide(server, method=pb.VOTING_METHOD_MEDIAN, hear_all=True)
        expect_equal(json.loads(median.result.data), 4, "median")
        mean = decide(server, method=pb.VOTING_METHOD_TRIMMED_MEAN)
        expect(abs(json.loads(mean.result.data) - 10 / 3) < 1e-9, f"trimmed mean {mean}")
        near = decide(server, hear_all=True, equivalence=pb.AnswerEquivalence(
            rule=pb.EQUIVALENCE_RULE_NUMBER, absolute_tolerance=4))
        expect_equal(len(near.clusters[0].voters), 4, "those within 4 of each other")
        voters = [pb.Voter(agent_type="python-judge", agent_id=f"judge-{n}",
                           weight=9 if n == 3 else 1) for n in range(5)]
        expect_equal(json.loads(decide(server, voters, method=pb.VOTING_METHOD_WEIGHTED)
                                .result.data), 5, "weighted")
    with judges(server, '["x", "m", "y"]', '["y", "m", "x"]', '["m", "x", "y"]'):
        ranked = decide(server, method=pb.VOTING_METHOD_RANKED)
        expect_equal(json.loads(ranked.result.data), "m", "ranked")


def a_series_learns_who_is_right(server):
    with judges(server, '"up"', '"up"', '"down"'):
        for number in range(6):
            answer = decide(server, series="py-series", request_id=f"q{number}", hear_all=True)
            expect_equal(answer.request_id, f"q{number}", "id")
            judged = server.ballots.ReportOutcome(pb.ReportOutcomeRequest(
                series="py-series", decision=f"q{number}",
                truth=common.Payload(data=b' "down" ')), timeout=SECONDS)
            expect(not judged.decision_correct, "the majority was right")
        twice = refused(lambda: decide(server, series="py-series", request_id="q1"),
                        grpc.StatusCode.ALREADY_EXISTS, "q1")
        expect(twice, "a decision was made twice")
        refused(lambda: server.ballots.ReportOutcome(pb.ReportOutcomeRequest(
            series="py-series", decision="q1", correct=True), timeout=SECONDS),
            grpc.StatusCode.FAILED_PRECONDITION, "q1")
        series = server.ballots.GetSeries(
            pb.GetSeriesRequest(series="py-series"), timeout=SECONDS)
        expect_equal((series.decisions, series.judged, series.correct), (6, 6, 0), "totals")
        expect_equal(series.consensus_accuracy.value, 0.0, "consensus accuracy")
        known = {v.voter: v for v in series.voters}
        expect(known["judge-2"].accuracy > 0.8 > 0.2 > known["judge-0"].accuracy, f"{known}")
        expect_equal([(p.first, p.second, p.agreed) for p in series.pairs][0],
                     ("judge-0", "judge-1", 6), "the pair that always agrees")
        expect(series.HasField("alpha_nominal") and series.alpha_nominal.value < 0,
               f"alpha {series.alpha_nominal}")
        weighted = decide(server, series="py-series", method=pb.VOTING_METHOD_WEIGHTED,
                          weights=pb.WEIGHT_SOURCE_ACCURACY, hear_all=True)
        expect_equal(weighted.reason, pb.NO_DECISION_TIE,
                     "the one that is right weighs what the two others do together")
    names = [s.series for s in server.ballots.ListSeries(
        pb.ListSeriesRequest(), timeout=SECONDS).series]
    expect("py-series" in names, f"only {names}")
    server.ballots.DeleteSeries(pb.DeleteSeriesRequest(series="py-series"), timeout=SECONDS)
    refused(lambda: server.ballots.GetSeries(
        pb.GetSeriesRequest(series="py-series"), timeout=SECONDS),
        grpc.StatusCode.NOT_FOUND, "py-series")


def a_step_of_a_workflow_is_a_ballot(server):
    voters = [pb.Voter(agent_type="python-judge", every_instance=True)]
    with judges(server, '"up"', '"up"', '"down"'):
        server.workflows.PutDefinition(workflows.PutDefinitionRequest(
            definition=workflows.WorkflowDefinition(
                name="py-ballot", version="1", result_template="${steps.vote.output}", steps=[
                    workflows.StepDefinition(
                        id="vote", operation="judge", ballot=workflows.BallotStep(
                            voters=voters, rules=pb.BallotRules(hear_all=True)))])),
            timeout=SECONDS)
        ended = server.workflows.ExecuteRun(workflows.ExecuteRunRequest(
            start=workflows.StartRunRequest(workflow="py-ballot")), timeout=SECONDS)
        expect_equal(ended.run.status, workflows.RUN_STATUS_COMPLETED, "status")
        output = json.loads(ended.result.data)
        expect_equal((output["result"], output["voters"], output["dissenters"]),
                     ("up", 3, ["judge-2"]), "output")
        kinds = [step.kind for step in ended.run.steps]
        expect_equal(kinds, [workflows.STEP_KIND_BALLOT], "kinds of the steps")
    error = refused(lambda: server.workflows.PutDefinition(workflows.PutDefinitionRequest(
        definition=workflows.WorkflowDefinition(name="py-ballot-2", version="1", steps=[
            workflows.StepDefinition(id="vote", agent_type="x", ballot=workflows.BallotStep(
                rules=pb.BallotRules(quorum=2)))])), timeout=SECONDS),
        grpc.StatusCode.INVALID_ARGUMENT)
    wanted = {"definition.steps[0].agent_type", "definition.steps[0].ballot.voters",
              "definition.steps[0].ballot.rules.quorum"}
    expect(wanted <= bad_fields(error), f"only {bad_fields(error)}")


def a_ballot_with_many_faults(server):
    """All of them are named in one answer."""
    error = refused(lambda: server.ballots.Decide(pb.DecideRequest(
        voters=[pb.Voter(agent_type="echo", weight=-1), pb.Voter(every_instance=True, name="x"),
                pb.Voter(agent_type="echo")],
        rules=pb.BallotRules(
            quorum=1.5, support=float("nan"), method=pb.VOTING_METHOD_MEDIAN, trim=0.5,
            weights=pb.WEIGHT_SOURCE_ACCURACY, series="s" * 300,
            equivalence=pb.AnswerEquivalence(
                rule=pb.EQUIVALENCE_RULE_BYTES, field="a[", absolute_tolerance=-1,
                relative_tolerance=2)),
        request_id="r" * 300), timeout=SECONDS),
        grpc.StatusCode.INVALID_ARGUMENT)
    wanted = {"voters[0].weight", "voters[0].operation", "voters[1].agent_type",
              "voters[1].every_instance", "voters[2].name", "rules.quorum", "rules.support",
              "rules.trim", "rules.weights", "rules.series", "rules.equivalence.rule",
              "rules.equivalence.field", "rules.equivalence.absolute_tolerance",
              "rules.equivalence.relative_tolerance", "request_id"}
    expect(wanted <= bad_fields(error), f"not named: {wanted - bad_fields(error)}")


# Of every RPC: a wrong request, the status it gets, and fields that must be named.
BAD = [
    ("Decide", pb.DecideRequest(), "INVALID_ARGUMENT", {"voters"}),
    ("Decide", pb.DecideRequest(operation="say", voters=[pb.Voter(agent_type="nobody")]),
     "NOT_FOUND", set()),
    ("Decide", pb.DecideRequest(operation="nothing", voters=[pb.Voter(agent_type="echo")]),
     "NOT_FOUND", set()),
    ("Decide", pb.DecideRequest(operation="say", voters=[pb.Voter(agent_type="echo")] * 101),
     "INVALID_ARGUMENT", {"voters"}),
    ("Decide", pb.DecideRequest(operation="say", voters=[pb.Voter(agent_type="echo")],
                                deadline_millis=-1, priority=9),
     "INVALID_ARGUMENT", {"deadline_millis", "priority"}),
    ("ReportOutcome", pb.ReportOutcomeRequest(), "INVALID_ARGUMENT",
     {"series", "decision", "outcome"}),
    ("ReportOutcome", pb.ReportOutcomeRequest(
        series="s", decision="d", truth=common.Payload(data=b"x" * 70_000)),
     "INVALID_ARGUMENT", {"truth"}),
    ("ReportOutcome", pb.ReportOutcomeRequest(series="none", decision="d", correct=True),
     "NOT_FOUND", set()),
    ("GetSeries", pb.GetSeriesRequest(decisions=-1), "INVALID_ARGUMENT",
     {"series", "decisions"}),
    ("GetSeries", pb.GetSeriesRequest(series="none"), "NOT_FOUND", set()),
    ("DeleteSeries", pb.DeleteSeriesRequest(actor="a" * 300, request_id="r" * 300),
     "INVALID_ARGUMENT", {"series", "actor", "request_id"}),
    ("DeleteSeries", pb.DeleteSeriesRequest(series="none"), "NOT_FOUND", set()),
]


def bad_requests_to_every_rpc_of_ballots(server):
    for method, request, code, fields in BAD:
        error = refused(lambda: getattr(server.ballots, method)(request, timeout=SECONDS),
                        getattr(grpc.StatusCode, code))
        if fields:
            expect(fields <= bad_fields(error), f"{method}: only {bad_fields(error)}")


CASES = [
    a_majority_decides_and_names_who_was_against_it,
    a_certain_outcome_waits_for_nobody,
    who_is_late_or_fails_counts_against_the_quorum,
    the_methods_differ,
    a_series_learns_who_is_right,
    a_step_of_a_workflow_is_a_ballot,
    a_ballot_with_many_faults,
    bad_requests_to_every_rpc_of_ballots,
]
