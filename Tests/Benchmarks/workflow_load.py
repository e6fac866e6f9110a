"""One run of the compiled load client."""

import json
import os
import subprocess
from dataclasses import dataclass

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
CLIENT = os.path.join(ROOT, ".build/release/WorkflowLoad")
# No call may take longer; a run of all of them is bounded by it too.
RUN_SECONDS = 300


@dataclass(frozen=True)
class Load:
    """What is asked for: workflows of so many steps (0: plain invokes), so many at once."""

    steps: int
    callers: int
    agent: str = "echo"

    def __str__(self) -> str:
        work = f"{self.steps}-step" if self.steps else "invoke"
        where = "" if self.agent == "echo" else ", remote worker"
        return f"{work} x {self.callers}{where}"


@dataclass(frozen=True)
class Outcome:
    per_second: float
    p50_ms: float
    p99_ms: float
    client_cpu_us: float


def run(load: Load, port: int, count: int, warm_up: int = 0) -> Outcome:
    """Makes `count` calls; ends the program when one of them was not answered well."""
    work = ["--steps", str(load.steps)] if load.steps else ["--invoke"]
    said = _call(str(load), port, count, "--callers", str(load.callers), "--warm-up", str(warm_up),
                 "--agent", load.agent, *work)
    return Outcome(said["per_second"], said["p50_us"] / 1e3, said["p99_us"] / 1e3,
                   said["client_cpu_us"])


def is_served(agent: str, port: int) -> bool:
    """Whether an invoke of the agent type succeeds."""
    done = subprocess.run(
        [CLIENT, "--port", str(port), "--callers", "1", "--count", "1", "--invoke", "--agent", agent],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=RUN_SECONDS)
    return done.returncode == 0


def park(port: int, count: int, wait: str) -> None:
    """Starts runs that wait for a day: for an `agent`, a `timer` or a `signal`."""
    _call(f"parked on a {wait}", port, count, "--parked", wait)


def fan_out(port: int, count: int, subscribers: int, callers: int) -> float:
    """Publishes to so many subscribers and waits until all have had all; the seconds it took."""
    said = _call(f"{subscribers} subscribers", port, count, "--subscribers", str(subscribers),
                 "--callers", str(callers))
    return said["seconds"]


def _call(what: str, port: int, count: int, *words: str) -> dict:
    done = subprocess.run([CLIENT, "--port", str(port), "--count", str(count), *words],
                          capture_output=True, text=True, timeout=RUN_SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"bench: {what} on port {port} failed:\n{done.stdout}{done.stderr}")
    said = json.loads(done.stdout)
    if said["answered"] != count or said["errors"]:
        raise SystemExit(f"bench: {what}: not all of {count} calls were answered: {said}")
    return said
