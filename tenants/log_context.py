"""Which request or run the code now works for: log lines say it, so that one can be followed through all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_now: ContextVar[dict[str, str | int] | None] = ContextVar("log_context", default=None)


def current() -> dict[str, str | int]:
    """`request`, `target`, `run`: whatever of them is known."""
    return dict(_now.get() or {})


@contextmanager
def working_for(**names: str | int) -> Iterator[None]:
    """Say `names` in every log line of the block."""
    token = _now.set({**current(), **names})
    try:
        yield
    finally:
        _now.reset(token)


def add(**names: str | int) -> None:
    """Say `names` too, until the block around ends; outside of any it would never end, so nothing is said."""
    around = _now.get()
    if around is not None:
        around.update(names)
