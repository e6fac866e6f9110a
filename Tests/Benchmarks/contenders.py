"""Cadre and its peers, each able to run a list of loads once and say what came of it."""

import json
import os
import subprocess
from dataclasses import dataclass, field

import remote_worker
import workflow_load
from pinned_server import PinnedServer, free_port
from remote_worker import RemoteWorker
from workflow_load import Load, ROOT

PEERS = os.path.join(ROOT, "Tests/Benchmarks/peers")
# The slowest peer takes about a minute for its round on two busy cores.
ROUND_SECONDS = 600


@dataclass(frozen=True)
class Rate:
    per_second: float
    p50_ms: float


def serve(binary: str, data: str) -> list[str]:
    """How to start Cadre with its echo agent; `{port}` is to be filled in."""
    return [binary, "serve", "--with-echo", "--grpc-port", "{port}", "--console-port", "0",
            "--data", data, "--market", "simulator", "--log", "warning"]


@dataclass
class Cadre:
    """The release binary and the compiled load client, on a fresh store."""

    binary: str
    counts: dict[Load, int]
    name: str = "cadre"

    def install(self) -> str | None:
        needed = (self.binary, workflow_load.CLIENT, remote_worker.BINARY)
        missing = [path for path in needed if not os.path.exists(path)]
        return f"{missing[0]} is not built" if missing else None

    def round(self, scratch: str) -> dict[Load, Rate]:
        server = PinnedServer(self.name, serve(self.binary, os.path.join(scratch, "data")),
                              os.path.join(scratch, "server.log"), core=None)
        worker = None
        try:
            if any(load.agent == remote_worker.AGENT for load in self.counts):
                worker = RemoteWorker(server.port)
            found = {}
            for load, count in self.counts.items():
                warm_up = min(count // 4, 500)
                outcome = workflow_load.run(load, server.port, count, warm_up)
                found[load] = Rate(outcome.per_second, outcome.p50_ms)
            return found
        finally:
            if worker is not None:
                worker.stop()
            server.stop()


@dataclass
class Peer:
    """A program under peers/ with a virtual environment of its own."""

    name: str
    folder: str
    counts: dict[Load, int]
    takes_port: bool = False
    extra: list[str] = field(default_factory=list)
    _python: str = ""

    def install(self) -> str | None:
        """Why it cannot take part; None when it can."""
        wanted = f"Tests/Benchmarks/peers/{self.folder}/requirements.txt"
        made = subprocess.run([os.path.join(ROOT, ".ci/venv"), wanted, f"peers/{self.folder}"],
                              capture_output=True, text=True)
        self._python = made.stdout.strip()
        if made.returncode == 0:
            return None
        return f"it cannot be installed: {made.stderr.strip()[-300:]}"

    def round(self, scratch: str) -> dict[Load, Rate]:
        words = [f"{load.steps}:{load.callers}:{count}" for load, count in self.counts.items()]
        port = [str(free_port())] if self.takes_port else []
        done = subprocess.run(
            [self._python, os.path.join(PEERS, self.folder, "run.py"), scratch, *port, *self.extra,
             *words], capture_output=True, text=True, timeout=ROUND_SECONDS, cwd=scratch)
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        rates = {line["load"]: Rate(line["per_second"], line["p50_ms"]) for line in said}
        wanted = {load: f"{load.steps}:{load.callers}" for load in self.counts}
        # A peer's process may fail while it ends, all its lines told; those count.
        if any(name not in rates for name in wanted.values()):
            raise SystemExit(f"bench: {self.name} failed:\n{done.stdout}{done.stderr[-3000:]}")
        return {load: rates[name] for load, name in wanted.items()}
