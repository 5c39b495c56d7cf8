"""Our own copy of a repository is worth nothing by itself: a damaged one is thrown away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from tenants.formats.text import printable
from workers.outcome import NeedsPerson, Retry
from workers.repository import MirrorDamaged, RepositoryError
from workers.targets.base import Pass

P = ParamSpec("P")
T = TypeVar("T")
# Copies that are damaged as often in a row were damaged by what was sent, or by our own disk.
TRIES = 4


class HasCopies(Protocol):
    def forget(self, current: Pass) -> None: ...


H = TypeVar("H", bound=HasCopies)


def mending(step: Callable[Concatenate[H, Pass, P], T]) -> Callable[Concatenate[H, Pass, P], T]:
    """A step of a pass that reads our copy: a damaged one is thrown away, and fetched again next time."""

    @wraps(step)
    def mended(kind: H, current: Pass, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return step(kind, current, *args, **kwargs)
        except MirrorDamaged as error:
            kind.forget(current)
            said = printable(str(error), 200)
            if current.target.failures >= TRIES:
                raise NeedsPerson(
                    "copy-damaged",
                    f"What was fetched of {current.target.repository} cannot be read: {said}.",
                    "Run git fsck in that repository, and look whether our disk is full or failing; then look"
                    " again.",
                ) from error
            raise Retry(
                "copy-damaged", f"Our own copy was damaged ({said}); it is fetched again.", timedelta(0)
            ) from error
        except RepositoryError as error:
            raise NeedsPerson(
                "not-a-repository",
                f"{current.target.repository} holds what no git writes: {printable(str(error), 200)}.",
                "Run git fsck in that repository, then look again.",
            ) from error

    return mended
