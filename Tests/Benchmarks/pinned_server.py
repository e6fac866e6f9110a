"""A server process, pinned to one core or not, and what it has used."""

import os
import socket
import subprocess
import time

# A server under valgrind takes the longest to start and to end.
START_SECONDS = STOP_SECONDS = 90


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PinnedServer:
    """Runs `command` on one core, or on all when `core` is None; `{port}` in it is replaced by a
    free port."""

    def __init__(self, name: str, command: list[str], log_path: str, core: int | None = 0,
                 preload: str = ""):
        self.name = name
        self.port = free_port()
        self._log_path = log_path
        with open(log_path, "wb") as log:
            pinning = [] if core is None else ["taskset", "-c", str(core)]
            self._process = subprocess.Popen(
                pinning + [w.format(port=self.port) for w in command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, LD_PRELOAD=preload))
        self._wait_until_it_listens()

    def cpu_seconds(self) -> float:
        """CPU time of all threads, also of those that ended, to the nanosecond.

        The process's CPU clock (clock_getcpuclockid(3)) rather than /proc/PID/stat, whose ticks
        are 10 ms, or /proc/PID/task/*/schedstat, which forgets threads that ended.
        """
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def resident_mib(self) -> float:
        """Memory the process holds, in MiB."""
        with open(f"/proc/{self._process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def written_bytes(self) -> int:
        """Bytes it has caused to be sent to the disk, as the kernel counts them (proc(5))."""
        with open(f"/proc/{self._process.pid}/io") as counts:
            fields = dict(line.split(": ") for line in counts)
        return int(fields["write_bytes"])

    def stop(self) -> None:
        self._process.terminate()
        self._end()

    def kill(self) -> None:
        """Ends it with SIGKILL."""
        self._process.kill()
        self._process.wait()

    def _end(self) -> None:
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        with open(self._log_path, errors="replace") as log:
            raise SystemExit(f"bench: {self.name} did not start:\n{log.read()[-2000:]}")
