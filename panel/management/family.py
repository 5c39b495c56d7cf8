"""The child processes of `manage.py up`: started in order, watched, and all ended with their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.core.management.base import CommandError

STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Family:
    """Children in the order of their start; all end with us, in reverse."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._last: list[Callable[[], None]] = []
        self._asked_to_stop = False
        self._must_finish = False

    def listen(self) -> None:
        """From now on Ctrl-C and its like raise KeyboardInterrupt, where nothing gets lost by it."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._asked_to_stop = True
        if not self._must_finish:
            raise KeyboardInterrupt

    @contextmanager
    def unbroken(self) -> Iterator[None]:
        """What is started inside is known before somebody may stop us."""
        self._must_finish = True
        try:
            yield
        finally:
            self._must_finish = False
        if self._asked_to_stop:
            raise KeyboardInterrupt

    def on_stop(self, action: Callable[[], None]) -> None:
        """Run `action` after every child has ended."""
        self._last.append(action)

    def start(
        self, name: str, words: Sequence[str], environment: Mapping[str, str], *, quiet: bool = False
    ) -> None:
        """Start a child that has to live as long as we do; a quiet one says on stderr only what is wrong."""
        with self.unbroken():
            child = _spawn(words, environment, stdout=subprocess.DEVNULL if quiet else None)
            self._children.append((name, child))
        self._say(f"{name:8} process {child.pid}")

    def run(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a program of ours to its end; raises CommandError if that is no good one."""
        with self.unbroken():
            child = _spawn(words, environment)
            self._children.append((words[-1], child))
        status = child.wait()
        self._children.pop()
        if status:
            raise CommandError(f"{' '.join(words[1:3])} ended with {status}; see above.")

    def require_all_alive(self) -> None:
        for name, child in self._children:
            if child.poll() is not None:
                raise CommandError(f"{name} ended with {child.returncode}; its last words are above.")

    def wait_for(self, path: Path, what: str, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not path.exists():
            self.require_all_alive()
            if time.monotonic() > end:
                raise CommandError(f"{what} did not start within {seconds:.0f} s.")
            time.sleep(0.05)

    def watch(self) -> None:
        """Until a child ends (CommandError) or somebody stops us (KeyboardInterrupt)."""
        while True:
            self.require_all_alive()
            time.sleep(0.5)

    def stop(self) -> None:
        """End everything; may be called twice. Nobody can interrupt it."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while self._children:
            _end(self._children.pop()[1])
        while self._last:
            self._last.pop()()


def _spawn(
    words: Sequence[str], environment: Mapping[str, str], stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that gets SIGTERM when we die, even when we are killed.

    It has a session of its own: Ctrl-C reaches us only, and we stop the children in order.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def die_with_parent() -> None:
        if hasattr(libc, "prctl"):
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(  # noqa: S603 - our own programs
        words,
        env=environment,
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - this process has one thread
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    _signal_group(child, signal.SIGTERM)
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        _signal_group(child, signal.SIGKILL)
        child.wait()
    # What a child left behind in its session goes with it.
    _signal_group(child, signal.SIGKILL)


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        return
