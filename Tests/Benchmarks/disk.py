"""What the disk takes for one sync, so that latencies can be judged on any machine."""

import os
import statistics
import time

BLOCK = 64 << 10
BLOCKS = 64


def fdatasync_p50_ms(directory: str, syncs: int = 200) -> float:
    """Milliseconds that overwriting 64 KiB and syncing it takes; the median of `syncs`."""
    path = os.path.join(directory, "fdatasync-probe")
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        block = os.urandom(BLOCK)
        for _ in range(BLOCKS):
            os.write(file, block)
        os.fsync(file)
        return statistics.median(_sync_ms(file, block, number) for number in range(syncs))
    finally:
        os.close(file)
        os.unlink(path)


def _sync_ms(file: int, block: bytes, number: int) -> float:
    began = time.perf_counter()
    os.pwrite(file, block, number % BLOCKS * BLOCK)
    os.fdatasync(file)
    return (time.perf_counter() - began) * 1e3
