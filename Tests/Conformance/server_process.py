"""A server under test: started on free ports, watched, ended."""

import signal
import socket
import subprocess
import time

# A debug build on a busy machine listens within a second or two.
START_SECONDS = 60
# More than the server's own grace period.
STOP_SECONDS = 30


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ServerProcess:
    """Runs `command`, in which `{port}` and `{console_port}` become free ports.

    Once it runs, `fill` knows its `{pid}` too.
    """

    def __init__(self, name: str, command: list[str], log_path: str):
        self.name = name
        self.places = {"port": _free_port(), "console_port": _free_port()}
        self._log_path = log_path
        with open(log_path, "wb") as log:
            self._process = subprocess.Popen(self.fill(command), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)
        self.places["pid"] = self._process.pid
        self._wait_until_it_listens()

    def fill(self, words: list[str]) -> list[str]:
        """The words with the ports and the process id filled in."""
        return [word.format(**self.places) for word in words]

    @property
    def last_words(self) -> str:
        """The end of what the server printed."""
        return self._words

    def stop(self) -> bool:
        """Ends the server with SIGTERM; whether it was alive till then and ended in time."""
        alive = self._process.poll() is None
        self._process.terminate()
        try:
            code = self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        with open(self._log_path, errors="replace") as log:
            self._words = log.read()[-4000:]
        return alive and code in (0, -signal.SIGTERM)

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.places["port"])) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise SystemExit(f"conformance: {self.name} did not start:\n{self._words}")
