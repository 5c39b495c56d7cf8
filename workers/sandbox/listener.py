"""What every server of the sandbox shares: one event loop in a thread, loopback addresses only, a bounded
console."""

from __future__ import annotations

import asyncio
import collections
import ipaddress
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

CONSOLE_LINES = 500
CONSOLE_WIDTH = 300
THREADS = 64
_Result = TypeVar("_Result")


class NotLoopbackError(ValueError):
    """The sandbox was asked to listen where other machines could reach it."""


def loopback(address: str) -> str:
    """Return the address when it lies in 127.0.0.0/8, else raise NotLoopbackError. Names are refused too."""
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        parsed = None
    if parsed is None or parsed not in ipaddress.IPv4Network("127.0.0.0/8"):
        raise NotLoopbackError(
            f"the sandbox listens on 127.0.0.0/8 only, not on {clean(address, 80)}; use one like 127.0.10.1"
        )
    return str(parsed)


def clean(text: object, width: int = CONSOLE_WIDTH) -> str:
    """Text from outside, safe to show: printable ASCII, everything else escaped, cut at `width`."""
    raw = str(text)[: width + 1]
    shown = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode("ascii") for c in raw)
    return shown if len(shown) <= width else shown[: width - 1] + "~"


class Console:
    """The last lines that a server wrote, as one would see them on a unikernel's console."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lines: collections.deque[str] = collections.deque(maxlen=CONSOLE_LINES)

    def write(self, level: str, text: str) -> None:
        """Add a line: `level` is info, warn or error."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._lines.append(f"{now} {level.upper()} [{self.name}] {clean(text)}")

    def named(self, name: str) -> Console:
        """The same console for what says its lines under another name."""
        del name
        return self

    def lines(self) -> list[str]:
        """The kept lines, oldest first (at most 500)."""
        return list(self._lines)


class LoopThread:
    """An asyncio event loop in a thread of its own; other threads hand it coroutines and wait for the
    answer."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether coroutines can be handed over."""
        return self._loop is not None

    def start(self) -> None:
        """Start the thread; does nothing when it runs."""
        if self._loop is not None:
            return
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="sandbox", daemon=True)
        self._loop = loop
        self._thread.start()

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        # Servers in this loop wait in threads for each other: as many as ptt's sessions need.
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox"))
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    def call(self, work: Coroutine[Any, Any, _Result], timeout: float = 60.0) -> _Result:
        """Run a coroutine in the loop and return its result; raises what it raises, or TimeoutError."""
        if self._loop is None:
            work.close()
            raise RuntimeError("the sandbox's loop is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def stop(self) -> None:
        """Cancel what still runs, then end the thread; does nothing when it does not run."""
        if self._loop is None or self._thread is None:
            return
        self.call(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop = self._thread = None


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)  # transports close their sockets in the loop's next turns
