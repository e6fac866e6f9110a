"""Topics, subscribers and subscriptions, asked as a foreign client asks."""

import json

import grpc
from cadre.v1 import common_pb2 as common
from cadre.v1 import event_service_pb2 as pb
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from cases import expect, expect_equal

SECONDS = 20


def publish(server, topic, value, **fields):
    payload = common.Payload(data=json.dumps(value).encode())
    return server.events.Publish(
        pb.PublishRequest(topic=topic, payload=payload, **fields), timeout=SECONDS)


def subscribe(server, *patterns, **fields):
    return server.events.Subscribe(pb.SubscribeRequest(
        volatile=pb.VolatileSubscriber(patterns=patterns, **fields)), timeout=SECONDS)


def read(stream, count):
    """So many publications of a stream, then its end."""
    found = []
    for message in stream:
        found += message.publications
        if len(found) >= count:
            break
    stream.cancel()
    return found


def a_publication_is_kept_and_told(server):
    first = publish(server, "py.kept", {"n": 1}, key="k", attributes={"venue": "mexc"},
                    request_id="py-kept-1")
    again = publish(server, "py.kept", {"n": 1}, key="k", attributes={"venue": "mexc"},
                    request_id="py-kept-1")
    expect(again.existing and again.sequence == first.sequence, f"a repeat gave {again}")
    publish(server, "py.kept", {"n": 2})
    page = server.events.ListHistory(pb.ListHistoryRequest(pattern="py.kept"), timeout=SECONDS)
    expect_equal([json.loads(p.payload.data)["n"] for p in page.publications], [1, 2], "history")
    expect_equal([p.topic_sequence for p in page.publications], [1, 2], "numbers in the topic")
    expect_equal(dict(page.publications[0].attributes), {"venue": "mexc"}, "attributes")
    told = read(subscribe(server, "py.*", start=pb.EventStart(from_sequence=first.sequence),
                          filter="payload.n >= 1 AND topic = \"py.kept\""), 2)
    expect_equal([p.sequence for p in told], [p.sequence for p in page.publications], "told")
    topics = server.events.ListTopics(pb.ListTopicsRequest(pattern="py.kept"), timeout=SECONDS)
    expect_equal([(t.name, t.held) for t in topics.topics], [("py.kept", 2)], "topics")


def what_comes_is_told_as_it_comes(server):
    stream = subscribe(server, "py.live.>")
    begins = next(iter(stream)).sequence
    sent = [publish(server, "py.live.a.b", n).sequence for n in range(5)]
    publish(server, "py.dead", 0)
    expect(all(s > begins for s in sent), f"{sent} behind {begins}")
    expect_equal([p.sequence for p in read(stream, 5)], sent, "told")


def each_of_many_has_its_outcome(server):
    requests = [pb.PublishRequest(topic="py.many"), pb.PublishRequest(topic="no topic"),
                pb.PublishRequest(topic="py.many", payload=common.Payload(data=b"{"))]
    answer = server.events.PublishMany(
        pb.PublishManyRequest(publications=requests), timeout=SECONDS)
    expect_equal([o.WhichOneof("outcome") for o in answer.outcomes],
                 ["response", "refusal", "refusal"], "outcomes")
    expect_equal(answer.published, 1, "published")
    expect("publications[1].topic" in answer.outcomes[1].refusal.message, f"got {answer}")


def a_resume_point_that_is_gone_is_told(server):
    server.events.PutTopic(pb.PutTopicRequest(
        topic="py.short", limits=pb.TopicLimits(max_publications=2)), timeout=SECONDS)
    sent = [publish(server, "py.short", n).sequence for n in range(4)]
    try:
        list(subscribe(server, "py.short", start=pb.EventStart(from_sequence=sent[0])))
        raise AssertionError("what is gone was promised")
    except grpc.RpcError as error:
        expect_equal(error.code(), grpc.StatusCode.OUT_OF_RANGE, "code")
        trailers = {pair.key: pair.value for pair in error.trailing_metadata()}
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        info = details.ErrorInfo()
        expect(any(detail.Unpack(info) for detail in status.details), "no ErrorInfo")
        oldest = int(info.metadata["oldest_sequence"])
    held = read(subscribe(server, "py.short", start=pb.EventStart(from_sequence=oldest)), 2)
    expect_equal([p.sequence for p in held], sent[2:], "what is held")


def put(server, name, pattern, *targets, **fields):
    definition = pb.SubscriptionDefinition(
        name=name, patterns=[pattern], targets=targets, **fields)
    return server.events.PutSubscription(
        pb.PutSubscriptionRequest(subscription=definition), timeout=SECONDS)


def attach(server, name):
    return server.events.Subscribe(pb.SubscribeRequest(
        durable=pb.DurableSubscriber(subscription=name)), timeout=SECONDS)


def what_is_not_acknowledged_comes_again(server):
    expect(put(server, "py-durable", "py.durable").changed, "nothing changed")
    sent = [publish(server, "py.durable", n).sequence for n in range(3)]
    expect_equal([p.sequence for p in read(attach(server, "py-durable"), 3)], sent, "at first")
    server.events.Ack(pb.AckRequest(subscription="py-durable", sequence=sent[1]), timeout=SECONDS)
    expect_equal([p.sequence for p in read(attach(server, "py-durable"), 1)], sent[2:], "again")
    server.events.DeleteSubscription(
        pb.DeleteSubscriptionRequest(name="py-durable"), timeout=SECONDS)


def what_cannot_be_done_is_a_dead_letter(server):
    put(server, "py-dead", "py.letters", policy=pb.DeliveryPolicy(max_attempts=1))
    sent = publish(server, "py.letters", 1).sequence
    stream = attach(server, "py-dead")
    for message in stream:
        if message.publications and not message.requeued:
            refused = server.events.Nack(pb.NackRequest(
                subscription="py-dead", sequence=sent, failure=common.Failure(
                    type="broken", message="no", retryable=True)), timeout=SECONDS)
            expect(refused.dead_lettered, f"got {refused}")
            letters = []
            while not letters:
                letters = server.events.ListEventDeadLetters(pb.ListEventDeadLettersRequest(
                    subscription="py-dead"), timeout=SECONDS).dead_letters
            expect_equal([(x.publication.sequence, x.failure.type) for x in letters],
                         [(sent, "broken")], "dead letters")
            server.events.RequeueEvent(pb.RequeueEventRequest(
                subscription="py-dead", sequence=sent), timeout=SECONDS)
        elif message.requeued:
            server.events.Ack(
                pb.AckRequest(subscription="py-dead", sequence=sent), timeout=SECONDS)
            break
    stream.cancel()
    left = server.events.ListEventDeadLetters(
        pb.ListEventDeadLettersRequest(subscription="py-dead"), timeout=SECONDS)
    expect_equal(len(left.dead_letters), 0, "dead letters left")


def an_agent_is_given_what_fits(server):
    target = pb.SubscriptionTarget(agent=pb.AgentTarget(agent_type="echo", operation="say"))
    put(server, "py-agent", "py.agent", target, filter="payload.n > 1")
    last = [publish(server, "py.agent", {"n": n}).sequence for n in range(4)][-1]
    while True:
        found = server.events.GetSubscription(
            pb.GetSubscriptionRequest(name="py-agent"), timeout=SECONDS).subscription
        if found.subscribers[0].acknowledged_sequence >= last:
            break
    expect_equal(found.subscribers[0].target, "agent/echo/say", "target")
    expect_equal(found.subscribers[0].delivered, 2, "delivered")


def an_event_of_a_trigger_starts_a_run(server):
    from cadre.v1 import workflow_service_pb2 as workflows
    definition = workflows.WorkflowDefinition(
        name="py-triggered", version="1", triggers=["py.trigger"],
        steps=[workflows.StepDefinition(id="a", agent_type="echo", operation="say")])
    server.workflows.PutDefinition(
        workflows.PutDefinitionRequest(definition=definition), timeout=SECONDS)
    expect_equal(publish(server, "py.trigger", {"n": 1}).receivers, 1, "receivers")
    runs = server.workflows.ListRuns(
        workflows.ListRunsRequest(workflow="py-triggered"), timeout=SECONDS).runs
    expect_equal(len(runs), 1, "runs")


CASES = [
    a_publication_is_kept_and_told, what_comes_is_told_as_it_comes, each_of_many_has_its_outcome,
    a_resume_point_that_is_gone_is_told, what_is_not_acknowledged_comes_again,
    what_cannot_be_done_is_a_dead_letter, an_agent_is_given_what_fits,
    an_event_of_a_trigger_starts_a_run,
]
