"""A remote agent in Python: what it takes to serve work over `AgentService.Connect` with grpcio.

    python remote_agent.py --server localhost:50051

serves the agent type `python-words`, until it is ended with Ctrl-C: it counts words. It needs
grpcio and grpcio-tools (`pip install grpcio grpcio-tools`) and the files under `proto/`. From
another terminal:

    cadre agent invoke python-words count --input '{"text": "one two"}'

The whole protocol is in `RemoteAgent`: say hello, give credits, answer assignments, stay alive,
and after a lost connection come back with the session and what is still held.
"""

import argparse
import json
import queue
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc

try:
    import cadre.v1.agent_service_pb2  # noqa: F401  Made by whoever imports this, perhaps.
except ImportError:
    import stubs
    stubs.generate("cadre/v1/common.proto", "cadre/v1/agent_service.proto")

from cadre.v1 import agent_service_pb2 as pb  # noqa: E402
from cadre.v1 import agent_service_pb2_grpc as rpc  # noqa: E402
from cadre.v1 import common_pb2 as common  # noqa: E402

# What no new try can change.
FINAL = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED,
         grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


class RemoteAgent:
    """Serves `operations`, a name -> function(payload bytes, Work) -> bytes, under one type."""

    def __init__(self, server: str, agent_type: str, operations, slots: int = 4,
                 lease_millis: int = 10_000, agent_id: str = "", idempotent: bool = True):
        self._server = server
        self._agent = pb.WorkerAgent(id=agent_id, type=agent_type, operations=[
            pb.Operation(name=name, summary=(function.__doc__ or "").strip().split("\n")[0],
                         idempotent=idempotent)
            for name, function in operations.items()])
        self._operations = operations
        self._slots = slots
        self._lease_millis = lease_millis
        self._pool = ThreadPoolExecutor(slots)
        self._lock = threading.Lock()
        self._session = ""
        self._working = set()
        # Results that the server has not said `accepted` to: sent again after a reconnect.
        self._unaccepted = {}
        self._outgoing = None
        # Operating modes by namespace; those not named are normal.
        self.modes = {}
        self._draining = False
        self._stopped = threading.Event()
        # Ends the stream of the moment as a broken network would; for tests.
        self.break_stream = lambda: None

    def run(self) -> None:
        """Serves until `stop`; comes back after every lost connection."""
        failures = 0
        while not self._stopped.is_set():
            try:
                if self._serve():
                    failures = 0
            except grpc.RpcError as error:
                if error.code() in FINAL:
                    raise
            failures += 1
            # Full jitter, so that a fleet does not come back in step.
            self._stopped.wait(random.uniform(0, min(10, 0.2 * 2 ** min(failures, 6))))

    def stop(self) -> None:
        """Leaves: what is still held is given to others."""
        self._stopped.set()
        self._say(pb.ConnectRequest(leave=pb.Leave(reason="stopped")))
        self._say(None)

    def send(self, request: pb.ConnectRequest) -> None:
        """Sends something on the stream of the moment, if there is one."""
        self._say(request)

    @property
    def has_left(self) -> bool:
        """Whether it was stopped, or drained."""
        return self._stopped.is_set()

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing is worked on and every result was taken."""
        with self._lock:
            return not self._working and not self._unaccepted

    # One stream

    def _serve(self) -> bool:
        outgoing = queue.SimpleQueue()
        with self._lock:
            hello = pb.Hello(agent=self._agent, resume_session=self._session,
                             held=[*self._working, *self._unaccepted],
                             lease_millis=self._lease_millis)
        outgoing.put(pb.ConnectRequest(hello=hello))
        welcomed = False
        # A new channel each time: a broken one is not waited for.
        with grpc.insecure_channel(self._server) as channel:
            responses = rpc.AgentServiceStub(channel).Connect(iter(outgoing.get, None))
            self.break_stream = responses.cancel
            try:
                for response in responses:
                    if response.HasField("welcome"):
                        welcomed = True
                        self._begin(response.welcome, outgoing)
                    self.take(response)
            finally:
                with self._lock:
                    self._outgoing = None
                outgoing.put(None)
        return welcomed

    def _begin(self, welcome: pb.Welcome, outgoing) -> None:
        with self._lock:
            self._session = welcome.session
            self.modes = {change.namespace: change.mode for change in welcome.modes}
            self._agent.id = welcome.agent_id
            self._outgoing = outgoing
            again = list(self._unaccepted.values())
            credits = 0 if self._draining else self._slots - len(self._working)
            draining = self._draining
        self._say(pb.ConnectRequest(results=again, ready=credits, draining=draining))
        threading.Thread(target=self._stay_alive, args=(outgoing, welcome.lease_millis / 3000),
                         daemon=True).start()

    def _stay_alive(self, outgoing, seconds: float) -> None:
        while self._outgoing is outgoing:
            outgoing.put(pb.ConnectRequest())
            time.sleep(seconds)

    def take(self, response: pb.ConnectResponse) -> None:
        """Does what the server says."""
        with self._lock:
            for change in response.mode_changed:
                self.modes[change.namespace] = change.mode
            for token in response.accepted:
                self._unaccepted.pop(token, None)
            for token in response.stale:
                self._forget(token)
            for assignment in response.assignments:
                self._working.add(assignment.token)
            # After the assignments: one that came in this very message may be cancelled by it.
            for token in response.cancelled:
                self._forget(token)
        for assignment in response.assignments:
            self._pool.submit(self._work, assignment)
        for probe in response.probes:
            health = common.Payload(data=json.dumps({"state": "healthy"}).encode())
            self._say(pb.ConnectRequest(
                results=[pb.WorkResult(token=probe.token, payload=health)]))
        if response.HasField("drain_requested"):
            with self._lock:
                self._draining = True
            self._say(pb.ConnectRequest(draining=True))
        self._leave_if_drained()

    def _forget(self, token: int) -> None:
        """Nobody waits for it. The function may still run; its credit goes back when it ends."""
        self._unaccepted.pop(token, None)
        self._working.discard(token)

    def _leave_if_drained(self) -> None:
        """Leaves when it was asked to, once everything is done and every result was taken."""
        if self._draining and self.holds_nothing:
            self.stop()

    def _work(self, assignment: pb.WorkAssignment) -> None:
        begun = time.monotonic()
        result = pb.WorkResult(token=assignment.token)
        try:
            function = self._operations[assignment.operation]
            result.payload.data = function(assignment.payload.data, Work(self, assignment))
        except Exception as error:  # Whatever an operation raises is its failure.
            result.failure.type = type(error).__name__
            result.failure.message = str(error)
            result.failure.retryable = not isinstance(error, (ValueError, KeyError))
        result.execution_micros = int((time.monotonic() - begun) * 1e6)
        with self._lock:
            is_wanted = assignment.token in self._working
            self._working.discard(assignment.token)
            if is_wanted:
                self._unaccepted[assignment.token] = result
            ready = 0 if self._draining else 1
        self._say(pb.ConnectRequest(results=[result] if is_wanted else [], ready=ready))

    def _say(self, request) -> None:
        with self._lock:
            outgoing = self._outgoing
        if outgoing is not None:
            outgoing.put(request)


class Work:
    """What an operation may know of its assignment, and say while it works."""

    def __init__(self, agent: RemoteAgent, assignment: pb.WorkAssignment):
        self.assignment = assignment
        self._agent = agent

    @property
    def last_heartbeat(self) -> bytes:
        """What the last attempt said before it was lost: where to go on."""
        return self.assignment.last_heartbeat.data

    @property
    def mode(self) -> int:
        """The operating mode in which the work was given; `agent.modes` knows that of now."""
        return self.assignment.mode

    def heartbeat(self, details: bytes) -> None:
        """Says where another attempt should go on."""
        self._agent.send(pb.ConnectRequest(heartbeats=[pb.WorkHeartbeat(
            token=self.assignment.token, details=common.Payload(data=details))]))

    def progress(self, chunk: bytes) -> None:
        """Sends a chunk to whoever watches."""
        self._agent.send(pb.ConnectRequest(progress=[pb.WorkProgress(
            token=self.assignment.token, chunk=common.Payload(data=chunk))]))


def count(payload: bytes, work: Work) -> bytes:
    """Counts the words of `text`."""
    text = json.loads(payload)["text"]
    work.progress(b"1")
    return json.dumps({"words": len(text.split())}).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description="A remote agent that counts words.")
    parser.add_argument("--server", default="localhost:50051")
    arguments = parser.parse_args()
    agent = RemoteAgent(arguments.server, "python-words", {"count": count})
    try:
        agent.run()
    except KeyboardInterrupt:
        agent.stop()


if __name__ == "__main__":
    main()
