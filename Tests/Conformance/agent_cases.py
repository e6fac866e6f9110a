"""The pool of agents, asked as a foreign client asks."""

from cadre.v1 import admin_service_pb2 as admin
from cadre.v1 import agent_service_pb2 as pb
from cadre.v1 import common_pb2 as common

from cases import expect, expect_equal

SECONDS = 20


def agents_are_listed(server):
    agents = server.agents.ListAgents(pb.ListAgentsRequest(), timeout=SECONDS).agents
    types = {agent.type for agent in agents}
    expect({"mexc-api", "calendar", "pattern-discovery", "echo"} <= types, f"only {types}")
    order = [(agent.type, agent.id) for agent in agents]
    expect_equal(order, sorted(order), "order of the list")
    for agent in agents:
        expect(agent.operations, f"{agent.id} offers no operation")
        expect(agent.slots > 0, f"{agent.id} has no slot")
        expect_equal(agent.location, "in-process", f"location of {agent.id}")


def agents_of_one_type_are_listed(server):
    agents = server.agents.ListAgents(
        pb.ListAgentsRequest(agent_type="calendar"), timeout=SECONDS).agents
    expect_equal({agent.type for agent in agents}, {"calendar"}, "types")
    found = server.agents.GetAgent(pb.GetAgentRequest(agent_id=agents[0].id), timeout=SECONDS)
    expect_equal(found.agent.id, agents[0].id, "the agent asked for by its id")


def an_operation_is_invoked(server):
    said = b'{"symbol":"NEWUSDT","tags":["a","b"],"n":12345678901234567890.25}'
    response = server.agents.Invoke(pb.InvokeRequest(
        agent_type="echo", operation="say", payload=common.Payload(data=said),
        request_id="from-python"), timeout=SECONDS)
    expect(response.success, f"failed: {response.error}")
    expect_equal(response.payload.data, said, "what the echo agent said")
    expect_equal(response.request_id, "from-python", "request id")
    expect_equal(response.metadata.attempts, 1, "attempts")
    expect(response.metadata.agent, "the response does not name the agent")
    expect(response.metadata.timestamp_unix_millis > 1_600_000_000_000, "no time in the response")


def a_request_id_is_made_when_none_is_given(server):
    calls = [server.agents.Invoke(pb.InvokeRequest(agent_type="echo", operation="say"),
                                  timeout=SECONDS) for _ in range(2)]
    expect(calls[0].request_id and calls[0].request_id != calls[1].request_id,
           "two calls without a request id did not get ids of their own")
    expect_equal(calls[0].payload.data, b"{}", "an empty payload is {}")


def a_thousand_calls_are_in_flight(server):
    calls = [server.agents.Invoke.future(pb.InvokeRequest(
        agent_type="echo", operation="say", payload=common.Payload(data=b"%d" % number)),
        timeout=SECONDS) for number in range(1000)]
    for number, call in enumerate(calls):
        expect_equal(call.result().payload.data, b"%d" % number, "answer to its own question")


def unknown_fields_are_tolerated(server):
    """A newer client may send what this server does not know."""
    request = pb.ListAgentsRequest(agent_type="echo").SerializeToString()
    call = server.channel.unary_unary(
        "/cadre.v1.AgentService/ListAgents", response_deserializer=pb.ListAgentsResponse.FromString)
    # Field 500 as a varint, field 501 as text, field 502 as eight bytes.
    newer = b"\xa0\x1f\x07" + b"\xaa\x1f\x03new" + b"\xb1\x1f" + bytes(8)
    expect_equal(len(call(request + newer, timeout=SECONDS).agents), 1, "agents")


def all_agents_are_healthy(server):
    response = server.agents.CheckHealth(pb.CheckHealthRequest(), timeout=SECONDS)
    expect_equal(response.state, pb.HEALTH_STATE_HEALTHY, f"state ({response.agents})")
    listed = server.agents.ListAgents(pb.ListAgentsRequest(), timeout=SECONDS).agents
    expect_equal({agent.agent_id for agent in response.agents}, {agent.id for agent in listed},
                 "agents that were probed")


def the_server_tells_of_itself(server):
    info = server.admin.GetInfo(admin.GetInfoRequest(), timeout=SECONDS)
    expect(info.version, "no version")
    expect(info.epoch > 0, "no epoch")
    expect(info.agents >= 4, f"{info.agents} agents")
    expect(info.configuration, "no configuration")


CASES = [
    agents_are_listed, agents_of_one_type_are_listed, an_operation_is_invoked,
    a_request_id_is_made_when_none_is_given, a_thousand_calls_are_in_flight,
    unknown_fields_are_tolerated, all_agents_are_healthy, the_server_tells_of_itself,
]
