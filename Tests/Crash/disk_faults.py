#!/usr/bin/env python3
"""Shows with strace that what is acknowledged has been synced, and what a failed sync leads to.

    disk_faults.py [--binary .build/release/cadre]

strace makes every fdatasync of the real binary slow, or fail. With a slow one, no durable call may
be answered sooner than its syncs take, nor may any other call tell of what is not synced yet. With
a failing one, nothing is acknowledged, the server ends, and what a client repeats after the restart
has one effect. Exits 3 when strace is not there.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../.."))
sys.path.append(os.path.join(ROOT, "Tests/Conformance"))

import grpc  # noqa: E402
import stubs  # noqa: E402
from cases import Cases, expect, expect_equal  # noqa: E402

stubs.generate("cadre/v1/common.proto", "cadre/v1/agent_service.proto",
               "cadre/v1/ballot_service.proto", "cadre/v1/workflow_service.proto")

from cadre.v1 import agent_service_pb2 as agents  # noqa: E402
from cadre.v1 import agent_service_pb2_grpc as agents_rpc  # noqa: E402
from cadre.v1 import common_pb2 as common  # noqa: E402
from cadre.v1 import workflow_service_pb2 as pb  # noqa: E402
from cadre.v1 import workflow_service_pb2_grpc as rpc  # noqa: E402
from server_process import ServerProcess  # noqa: E402

# How long a sync takes under strace, and how much sooner a client's clock may see its end.
SYNC_SECONDS, EARLY_SECONDS = 0.4, 0.02
SYNCS = "fdatasync,fsync"
SECONDS = 60


class Server:
    """The real binary on a data directory, and clients of it."""

    def __init__(self, binary: str, data: str, log: str):
        command = [binary, "serve", "--with-echo", "--grpc-port", "{port}", "--console-port", "0",
                   "--data", data, "--market", "simulator", "--log", "warning"]
        self.process = ServerProcess("cadre", command, log)
        self.pid = self.process.places["pid"]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.process.places['port']}")
        grpc.channel_ready_future(self.channel).result(timeout=SECONDS)
        self.workflows = rpc.WorkflowServiceStub(self.channel)
        self.agents = agents_rpc.AgentServiceStub(self.channel)

    def put(self) -> None:
        step = pb.StepDefinition(id="a", agent_type="echo", operation="say")
        definition = pb.WorkflowDefinition(name="sync", version="1", steps=[step])
        self.workflows.PutDefinition(pb.PutDefinitionRequest(definition=definition),
                                     timeout=SECONDS)

    def start(self, name: str) -> str:
        return self.workflows.StartRun(start_request(name), timeout=SECONDS).run_id

    def execute(self, name: str) -> pb.ExecuteRunResponse:
        return self.workflows.ExecuteRun(pb.ExecuteRunRequest(start=start_request(name)),
                                         timeout=SECONDS)

    def get(self, name: str) -> pb.Run:
        reference = pb.RunReference(workflow_id=name)
        return self.workflows.GetRun(pb.GetRunRequest(run=reference), timeout=SECONDS).run

    def invoke(self) -> None:
        answer = self.agents.Invoke(agents.InvokeRequest(
            agent_type="echo", operation="say", payload=common.Payload(data=b"{}")),
            timeout=SECONDS)
        expect(answer.success, "an invoke failed")

    def stop(self) -> None:
        self.channel.close()
        self.process.stop()


class Meddler:
    """strace at a running server, for as long as the block lasts."""

    def __init__(self, pid: int, injection: str):
        self._command = ["strace", "-f", "-q", "-p", str(pid), "-o", "/dev/null",
                         "-e", f"trace={SYNCS}", "-e", f"inject={SYNCS}:{injection}"]
        self._pid = pid

    def __enter__(self):
        self._strace = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + SECONDS
        while not self._is_attached():
            expect(time.monotonic() < deadline and self._strace.poll() is None,
                   "strace could not attach to the server")
            time.sleep(0.02)
        return self

    def __exit__(self, *_failure):
        self._strace.send_signal(signal.SIGINT)
        self._strace.wait(timeout=SECONDS)

    def _is_attached(self) -> bool:
        """Whether every thread is traced."""
        folder = f"/proc/{self._pid}/task"
        return all(_status(f"{folder}/{thread}")["TracerPid"] != "0"
                   for thread in os.listdir(folder))


def _status(folder: str) -> dict[str, str]:
    with open(f"{folder}/status") as status:
        parts = (line.rstrip("\n").partition(":\t") for line in status)
        return {name: value for name, _, value in parts}


def start_request(name: str) -> pb.StartRunRequest:
    return pb.StartRunRequest(workflow="sync", workflow_id=name, request_id=name)


def seconds_of(call) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def slow() -> str:
    return f"delay_enter={int(SYNC_SECONDS * 1e6)}"


def durable_calls_wait_for_their_syncs(server: Server):
    least = SYNC_SECONDS - EARLY_SECONDS
    with Meddler(server.pid, slow()):
        for number in range(3):
            took = seconds_of(lambda number=number: server.start(f"start-{number}"))
            expect(took >= least, f"a start was acknowledged after {took:.3f} s, before its sync")
            took = seconds_of(lambda number=number: server.execute(f"execute-{number}"))
            expect(took >= 2 * least, f"a run of two commits was acknowledged after {took:.3f} s")


def volatile_calls_do_not_wait(server: Server):
    with Meddler(server.pid, slow()):
        took = min(seconds_of(server.invoke) for _ in range(5))
        expect(took < SYNC_SECONDS / 2, f"an invoke took {took:.3f} s: does it sync?")


def nobody_hears_of_what_is_not_synced(server: Server):
    """A read that meets an unsynced run is held until it is."""
    with Meddler(server.pid, slow()):
        began = time.monotonic()
        starting = threading.Thread(target=server.start, args=("unsynced",))
        starting.start()
        time.sleep(SYNC_SECONDS / 8)
        found = None
        try:
            found = server.get("unsynced")
        except grpc.RpcError as error:
            expect_equal(error.code(), grpc.StatusCode.NOT_FOUND, "status of an unknown run")
        took = time.monotonic() - began
        starting.join(SECONDS)
        expect(found is None or took >= SYNC_SECONDS - EARLY_SECONDS,
               f"a run was told of {took:.3f} s after its start, before its sync")


def a_failed_sync_acknowledges_nothing(server: Server):
    with Meddler(server.pid, "error=EIO"):
        try:
            server.start("failed")
        except grpc.RpcError as error:
            expect_equal(error.code(), grpc.StatusCode.UNAVAILABLE, f"status ({error.details()})")
        else:
            expect(False, "a start was acknowledged though its sync failed")
        deadline = time.monotonic() + SECONDS
        while os.path.exists(f"/proc/{server.pid}") and _status(f"/proc/{server.pid}")[
                "State"][0] != "Z":
            expect(time.monotonic() < deadline, "the server goes on after a failed sync")
            time.sleep(0.05)


def a_repeat_after_the_restart_has_one_effect(server: Server):
    run_id = server.start("failed")
    ended = server.workflows.AwaitRun(
        pb.AwaitRunRequest(run=pb.RunReference(run_id=run_id)), timeout=SECONDS)
    expect_equal(ended.run.status, pb.RUN_STATUS_COMPLETED, "status of the run")
    runs = server.workflows.ListRuns(pb.ListRunsRequest(workflow="sync", page_size=1_000),
                                     timeout=SECONDS).runs
    expect_equal(sum(run.workflow_id == "failed" for run in runs), 1, "runs of one request")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", default=os.path.join(ROOT, ".build/release/cadre"))
    chosen = options.parse_args()
    if shutil.which("strace") is None:
        print("disk faults: strace is not here, nothing was shown")
        return 3
    cases = Cases("disk faults")
    with tempfile.TemporaryDirectory(prefix="cadre-disk-") as scratch:
        data, log = os.path.join(scratch, "data"), os.path.join(scratch, "log")
        server = Server(chosen.binary, data, log)
        server.put()
        for case in (durable_calls_wait_for_their_syncs, volatile_calls_do_not_wait,
                     nobody_hears_of_what_is_not_synced, a_failed_sync_acknowledges_nothing):
            cases.run(case.__name__, lambda case=case: case(server))
        server.stop()
        server = Server(chosen.binary, data, log)
        case = a_repeat_after_the_restart_has_one_effect
        cases.run(case.__name__, lambda: case(server))
        server.stop()
    return cases.close()


if __name__ == "__main__":
    sys.exit(main())
