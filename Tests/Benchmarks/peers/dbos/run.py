#!/usr/bin/env python3
"""No-op workflows on DBOS with its SQLite system database.

    run.py DIR STEPS:CALLERS:COUNT...

DBOS is a library in the application's process: there is no server, and no remote client to pay for.
"""

import asyncio
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../common"))

import measured  # noqa: E402
from dbos import DBOS  # noqa: E402

SAYING = "NEWUSDT"

DBOS(config={"name": "bench", "run_admin_server": False, "log_level": "ERROR",
             "system_database_url": f"sqlite:///{sys.argv[1]}/dbos.sqlite"})


@DBOS.step()
async def say(text: str) -> str:
    return text


@DBOS.workflow()
async def chain(steps: int, text: str) -> str:
    for _ in range(steps):
        text = await say(text)
    return text


async def measure(loads) -> None:
    for name, steps, callers, count in loads:
        async def call(_number: int) -> None:
            measured.expect(await chain(steps, SAYING), SAYING)

        await asyncio.gather(*(call(number) for number in range(min(8, callers))))
        await measured.with_tasks(name, callers, count, call)


if __name__ == "__main__":
    DBOS.launch()
    try:
        asyncio.run(measure(measured.loads(sys.argv[2:])))
    finally:
        DBOS.destroy()
