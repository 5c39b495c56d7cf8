"""A web server of several processes, and what they all took of the processor."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.hosts import ROOT

START_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


class WebServer:
    """uvicorn with `processes` of one application on a port of its own. A context manager."""

    def __init__(self, application: str, processes: int, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._log = log
        # As in life: who serves pages cannot open what is sealed.
        environment = {name: value for name, value in os.environ.items() if "WORKERS_KEY" not in name}
        environment |= {"ROOKERY_PORT": str(self.port), "ROOKERY_LOG_LEVEL": "ERROR"}
        words = ["-m", "uvicorn", application, "--port", str(self.port), "--workers", str(processes)]
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, *words, "--log-level", "error", "--no-access-log", "--no-proxy-headers"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def wait_until_open(self) -> None:
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            if self._process.poll() is not None:
                break
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"the web server did not start:\n{self._log.read_text()[-2000:]}")

    def processor_seconds(self) -> float:
        """Of all its processes since they began."""
        return sum(_seconds(int(folder.name), self._process.pid) for folder in Path("/proc").glob("[0-9]*"))


def _seconds(pid: int, session: int) -> float:
    """User and system time of a process, if it is of this session; see proc(5)."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICKS if int(words[3]) == session else 0.0
