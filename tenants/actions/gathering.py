"""What the actions of one set leave to its end: marks, events and mails are written together.

While `gathered()` is open, `marks.mark_mailbox`, `audit.record` and the asking of targets put things here
instead of writing them. So ten thousand addresses are changed by the very actions that change one, with one
mark. See `tenants.actions.sets`, the only place that opens it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.utils import timezone

from tenants.models import Domain, Event, FormerPassphrase, Mailbox, SyncTarget

AT_ONCE = 500
T = TypeVar("T")


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
    former: list[FormerPassphrase] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    kept: list[tuple[Mailbox, tuple[str, ...]]] = field(default_factory=list)
    given_back: list[Domain] = field(default_factory=list)
    still_theirs: list[int] = field(default_factory=list)  # domains whose organization is held, see quotas
    plain: frozenset[int] = frozenset()  # addresses that come back unjudged, see restoring
    at: datetime = field(default_factory=timezone.now)
    relays: dict[int, SyncTarget | None] = field(default_factory=dict)
    generation: int = 0  # that carries the changes, once they were written; 0 without a relay

    @contextmanager
    def one(self) -> Iterator[None]:
        """One member of the set: when it is refused, nothing of it stays here."""
        lists: tuple[list[Any], ...] = (
            self.events,
            self.changed,
            self.former,
            self.questions,
            self.kept,
            self.given_back,
            self.still_theirs,
        )
        sizes = [len(each) for each in lists]
        try:
            yield
        except BaseException:
            for each, size in zip(lists, sizes, strict=True):
                del each[size:]
            raise


_open: ContextVar[Gathered | None] = ContextVar("gathered", default=None)


def current() -> Gathered | None:
    """What is being gathered, while a set is being changed."""
    return _open.get()


def keep(mailbox: Mailbox, *fields: str) -> None:
    """Save these columns; of a set, together at its end. For columns that no other action of the set reads
    from the database."""
    gathered = current()
    if gathered is None:
        mailbox.save(update_fields=fields)
    else:
        gathered.kept.append((mailbox, fields))


def keep_former(row: FormerPassphrase) -> None:
    """Save what an address had before, after the event that replaced it."""
    gathered = current()
    if gathered is None:
        row.save(force_insert=True)
    else:
        gathered.former.append(row)


def is_plain(mailbox: Mailbox) -> bool:
    """Was it found, for a whole set, that nothing needs to be judged of this address?"""
    gathered = current()
    return gathered is not None and mailbox.pk in gathered.plain


def now() -> datetime:
    """The time of a change; one for a whole set, so that its rows can be written together."""
    gathered = current()
    return timezone.now() if gathered is None else gathered.at


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


def batched(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """SQLite takes a bounded number of parameters."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
