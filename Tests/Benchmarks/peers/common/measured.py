"""How every peer written in Python is measured: the same callers, clock and report."""

import asyncio
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor


async def with_tasks(name: str, callers: int, count: int, call) -> None:
    """`count` awaits of `call(number)` by `callers` tasks; prints what they took."""
    numbers = iter(range(count))
    seconds: list[float] = []

    async def caller() -> None:
        for number in numbers:
            began = time.perf_counter()
            await call(number)
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    _report(name, seconds, count, time.perf_counter() - began)


def with_threads(name: str, callers: int, count: int, call) -> None:
    """`count` calls of `call(number)` by `callers` threads; prints what they took."""

    def timed(number: int) -> float:
        began = time.perf_counter()
        call(number)
        return time.perf_counter() - began

    with ThreadPoolExecutor(callers) as pool:
        began = time.perf_counter()
        seconds = list(pool.map(timed, range(count)))
        _report(name, seconds, count, time.perf_counter() - began)


def _report(name: str, seconds: list[float], count: int, elapsed: float) -> None:
    assert len(seconds) == count, f"{len(seconds)} of {count} were answered"
    ordered = sorted(seconds)
    p50, p99 = (ordered[max(0, math.ceil(share * count) - 1)] for share in (0.5, 0.99))
    print(json.dumps({"load": name, "per_second": count / elapsed, "p50_ms": p50 * 1e3,
                      "p99_ms": p99 * 1e3}), flush=True)


def loads(words: list[str]) -> list[tuple[str, int, int, int]]:
    """`steps:callers:count` words as (name, steps, callers, count)."""
    found = []
    for word in words:
        steps, callers, count = map(int, word.split(":"))
        found.append((f"{steps}:{callers}", steps, callers, count))
    return found


def expect(answer, wanted) -> None:
    """Ends the program when a call did not do its work."""
    if answer != wanted:
        raise SystemExit(f"an answer is {answer!r} where {wanted!r} was expected")
