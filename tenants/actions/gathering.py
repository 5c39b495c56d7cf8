"""What the actions of one set leave to its end: marks, events and mails are written together.

While `gathered()` is open, `marks.mark_mailbox`, `audit.record` and the asking of targets put things here
instead of writing them. So ten thousand addresses are changed by the very actions that change one, with one
mark. See `tenants.actions.sets`, the only place that opens it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tenants.models import Event, Mailbox, SyncTarget


@dataclass(frozen=True)
class Question:
    """Somebody is to be asked whether mail for `mailbox` may come to `recipient`."""

    recipient: str
    mailbox: str
    token: str = field(repr=False)


@dataclass
class Gathered:
    events: list[Event] = field(default_factory=list)
    changed: list[Mailbox] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    relays: dict[int, SyncTarget | None] = field(default_factory=dict)
    generation: int = 0  # that carries the changes, once they were written; 0 without a relay

    @contextmanager
    def one(self) -> Iterator[None]:
        """One member of the set: when it is refused, nothing of it stays here."""
        sizes = len(self.events), len(self.changed), len(self.questions)
        try:
            yield
        except BaseException:
            for gathered, size in zip((self.events, self.changed, self.questions), sizes, strict=True):
                del gathered[size:]
            raise


_open: ContextVar[Gathered | None] = ContextVar("gathered", default=None)


def current() -> Gathered | None:
    """What is being gathered, while a set is being changed."""
    return _open.get()


@contextmanager
def gathered() -> Iterator[Gathered]:
    """Gather until the block ends; the caller then writes what was gathered, or lets it go."""
    token = _open.set(Gathered())
    try:
        found = _open.get()
        assert found is not None  # noqa: S101 - set just now
        yield found
    finally:
        _open.reset(token)
