#!/usr/bin/env python3
"""No-op workflows on Temporal's development server with its SQLite store.

    run.py DIR PORT [--wal] STEPS:CALLERS:COUNT...

By default its store uses a rollback journal and synchronous=FULL, so that what it has
acknowledged is on disk; --wal gives it a write-ahead log, at the same level.
"""

import asyncio
import os
import subprocess
import sys
import uuid

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../common"))

import measured  # noqa: E402
from chain import Chain, say  # noqa: E402
from temporalio.client import Client  # noqa: E402
from temporalio.worker import Worker  # noqa: E402

QUEUE = "bench"
SAYING = "NEWUSDT"


def start(directory: str, port: int, wal: bool) -> subprocess.Popen:
    """The server as a child process, on loopback."""
    pragmas = ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=2"]
    binary = os.path.join(os.path.dirname(sys.executable), "temporal")
    return subprocess.Popen(
        [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port),
         "--db-filename", os.path.join(directory, "temporal.db"), "--log-level", "error",
         *(pragmas if wal else [])], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


async def connect(port: int) -> Client:
    """Waits until the server answers."""
    for _ in range(240):
        try:
            return await Client.connect(f"127.0.0.1:{port}")
        except RuntimeError:
            await asyncio.sleep(0.25)
    raise SystemExit("temporal: the server does not answer")


async def measure(port: int, loads) -> None:
    client = await connect(port)
    worker = Worker(client, task_queue=QUEUE, workflows=[Chain], activities=[say],
                    max_concurrent_workflow_tasks=100, max_concurrent_activities=100)
    async with worker:
        for name, steps, callers, count in loads:
            async def call(_number: int) -> None:
                answer = await client.execute_workflow(
                    Chain.run, args=[steps, SAYING], id=str(uuid.uuid4()), task_queue=QUEUE)
                measured.expect(answer, SAYING)

            await asyncio.gather(*(call(number) for number in range(min(8, callers))))
            await measured.with_tasks(name, callers, count, call)


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--wal"]
    server = start(words[0], int(words[1]), "--wal" in sys.argv)
    try:
        asyncio.run(measure(int(words[1]), measured.loads(words[2:])))
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    main()
