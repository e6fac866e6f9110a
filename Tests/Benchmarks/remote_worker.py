"""A remote worker as a process of its own, in the pool when the constructor returns."""

import os
import subprocess
import time

import workflow_load
from workflow_load import ROOT

BINARY = os.path.join(ROOT, ".build/release/EchoWorker")
AGENT = "remote-echo"
SLOTS = 1_024
START_SECONDS = 30


class RemoteWorker:
    """Runs EchoWorker beside a server on this machine."""

    def __init__(self, port: int):
        self._process = subprocess.Popen(
            [BINARY, "--server", f"127.0.0.1:{port}", "--slots", str(SLOTS)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not workflow_load.is_served(AGENT, port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise SystemExit("bench: the remote worker did not come to the pool")
            time.sleep(0.1)

    def cpu_seconds(self) -> float:
        """CPU time of all its threads."""
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
