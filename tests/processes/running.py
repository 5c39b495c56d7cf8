"""`manage.py up` as a person starts it, in a folder and on a port of its own."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARK = "STARTED_BY_TEST"
START_SECONDS = 180.0


def until(true: Callable[[], object], what: str, seconds: float = 30.0, pause: float = 0.05) -> None:
    """Wait until something is so; fails with what it waited for."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"gave up waiting: {what}"
        time.sleep(pause)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """This machine's environment without what the test run itself has set."""
    ours = ("ROOKERY_", "DATABASE_URL", "REDIS_URL", "DJANGO_", "PYTEST_", MARK)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, **more}


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """The whole product in one process tree is heavy: runs of the tests take turns."""
    with (Path(tempfile.gettempdir()) / "rookery-test-up.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def processes(mark: str) -> dict[int, str]:
    """Every process with our mark in its environment, by id, with its command line; zombies have none."""
    found = {}
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                found[int(folder.name)] = b" ".join(words).decode(errors="replace")
        except OSError:
            continue
    return found


class Up:
    """One `manage.py up`; what all its processes print is in `log`."""

    def __init__(self, data: Path, log: Path, **environment: str) -> None:
        self.data = data
        self.log = log
        self.port = free_port()
        self.mark = uuid.uuid4().hex
        ours = {"ROOKERY_DATA": str(data), "ROOKERY_PORT": str(self.port), MARK: self.mark}
        self._environment = clean_environment(**ours | environment)
        self._parent: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def pid(self) -> int:
        assert self._parent is not None
        return self._parent.pid

    def spawn(self, *words: str) -> subprocess.Popen[bytes]:
        """Start it without waiting for anything."""
        with self.log.open("ab") as file:
            self._parent = subprocess.Popen(
                [sys.executable, "manage.py", "up", *words],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._parent

    def start(self, *words: str) -> str:
        """Start it and return the one-time link that it printed."""
        parent, before = self.spawn(*words), len(self.text())

        def ready() -> bool:
            assert parent.poll() is None, self.text()
            return "Ctrl-C stops everything" in self.text()[before:]

        until(ready, "manage.py up", START_SECONDS)
        found = re.search(rf"^{re.escape(self.base)}/sign-in/\S+$", self.text()[before:], re.M)
        assert found, self.text()
        return found[0]

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def process(self, word: str) -> int:
        """The process of one child by the name that `up` printed."""
        found = re.findall(rf"^{word} +process (\d+)$", self.text(), re.M)
        assert found, self.text()
        return int(found[-1])

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def post(self, path: str, body: dict[str, str]) -> int:
        """POST JSON as a stranger; returns the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            return connection.getresponse().status

    def manage(self, *words: str) -> str:
        """Run another command of the installation to its end; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout

    def refusal(self, *words: str, **environment: str) -> str:
        """Start another one, which must end at once with a refusal; returns the only line of it."""
        done = subprocess.run(
            [sys.executable, "manage.py", "up", *words],
            cwd=ROOT,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1, done
        assert len(done.stderr.splitlines()) == 1, done
        return done.stderr

    def stop(self, number: int = signal.SIGINT) -> int:
        """As Ctrl-C does; returns the exit status."""
        assert self._parent is not None
        if self._parent.poll() is None:
            self._parent.send_signal(number)
        return self._parent.wait(60)

    def nothing_is_left(self) -> bool:
        return not processes(self.mark)

    def kill_rest(self) -> None:
        """Whatever a failed test left."""
        for pid in processes(self.mark):
            with_suppressed_kill(pid)
        if self._parent is not None:
            self._parent.wait(10)


def with_suppressed_kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Up]:
    """An `up` that is not started yet; nothing of it is left afterwards."""
    # A name that is longer than any socket's may be, with a space in it.
    up = Up(folder / ("a long name " * 10).strip() / "data", folder / "log", **environment)
    with only_one_at_a_time():
        try:
            yield up
        finally:
            up.kill_rest()
            shutil.rmtree(up.data, ignore_errors=True)
