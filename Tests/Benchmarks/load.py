"""One run of h2load against a unary method, Invoke unless told otherwise, checked for real answers."""

import re
import subprocess
import time
from dataclasses import dataclass

INVOKE = "/cadre.v1.AgentService/Invoke"
# The shortest response that can be a real one: the request id and the saying echoed. A call that
# fails has no message at all, and h2load cannot see the difference: its HTTP status is 200 as well.
LEAST_RESPONSE_BYTES = 130


@dataclass(frozen=True)
class Shape:
    """Connections, streams on each, and the core h2load is pinned to."""

    connections: int
    streams: int
    client_core: int = 1

    def __str__(self) -> str:
        same = " same core" if self.client_core == 0 else ""
        return f"{self.connections}x{self.streams}{same}"


def run(shape: Shape, port: int, requests: int, body_path: str, path: str = INVOKE,
        least_bytes: int = LEAST_RESPONSE_BYTES) -> float:
    """Sends the requests and returns how many were answered a second."""
    done = subprocess.run(
        ["taskset", "-c", str(shape.client_core), "h2load", "-t", "1", "-n", str(requests),
         "-c", str(shape.connections), "-m", str(shape.streams), "-d", body_path,
         "-H", "content-type: application/grpc", "-H", "te: trailers",
         f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, timeout=300)
    report = done.stdout
    succeeded = int(_number(r"(\d+) succeeded", report))
    data = _number(r"\((\d+)\) data", report)
    if succeeded != requests or data < least_bytes * requests:
        raise SystemExit(f"bench: {requests} calls to port {port} were not all answered well:\n"
                         f"{report}{done.stderr}")
    return _number(r"([\d.]+) req/s", report)


def run_bare(shape: Shape, port: int, requests: int, program: str) -> float:
    """The same load in bytes, without HTTP/2; returns how many calls were answered a second."""
    began = time.monotonic()
    subprocess.run(
        ["taskset", "-c", str(shape.client_core), program, str(port), str(shape.connections),
         str(requests)], check=True, timeout=300)
    return requests / (time.monotonic() - began)


def _number(pattern: str, report: str) -> float:
    found = re.search(pattern, report)
    if found is None:
        raise SystemExit(f"bench: h2load said nothing like {pattern}:\n{report}")
    return float(found.group(1))
