"""One command on one connection, with a time limit; and the stream that it may open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

from workers.albatross import services
from workers.albatross.conversation import Conversation
from workers.albatross.dialer import Connection, Dialer
from workers.albatross.errors import AlbatrossError, UnknownOutcome, Unreachable
from workers.albatross.grammar.envelope import Answer, Request
from workers.albatross.values import Buffer


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds: to connect, for an answer that only reads, for one that may wait for a unikernel's end or
    an image, and for the contents of a whole block volume."""

    connect: float = 10.0
    read: float = 30.0
    change: float = 180.0
    transfer: float = 3600.0


PATIENT = Timeouts()


class Exchange:
    """A conversation on a connection, with a time limit."""

    def __init__(
        self, connection: Connection, conversation: Conversation, limit: float, *, changes: bool
    ) -> None:
        self._connection = connection
        self.conversation = conversation
        self._until = monotonic() + limit
        self._changes = changes
        self._early: list[Answer] = []

    def first_answer(self) -> Answer:
        """Send the command and wait for its answer."""
        self._send()
        while (left := self._until - monotonic()) > 0:
            self._early += self.read(left)
            if self._early:
                return self._early.pop(0)
        raise self._lost("albatross did not answer in time")

    @property
    def ended(self) -> bool:
        """Whether everything that was to come was read."""
        return self.conversation.finished and not self._early

    def read(self, timeout: float) -> list[Answer]:
        """What comes within the time, at least one read; empty when nothing did or the stream ended."""
        if self._early:
            early, self._early = self._early, []
            return early
        try:
            data = self._connection.receive(timeout)
        except TimeoutError:
            return []
        except OSError as problem:
            raise self._lost(f"the connection broke: {problem.strerror or problem}") from None
        if data:
            return self.conversation.receive(data)
        self.conversation.closed()
        return []

    def _send(self) -> None:
        try:
            for parts in self.conversation.outgoing():
                self._connection.send(parts, self._until - monotonic())
        except TimeoutError:
            raise self._lost("albatross did not take the whole command in time") from None
        except OSError:
            return  # the daemon stopped listening, perhaps because it refused: its answer can still be read

    def _lost(self, sentence: str) -> AlbatrossError:
        return UnknownOutcome(sentence) if self._changes else Unreachable(sentence)

    def fileno(self) -> int:
        return self._connection.fileno()

    def close(self) -> None:
        self._connection.close()


def open_exchange(
    dialer: Dialer, request: Request, timeouts: Timeouts, contents: Iterable[Buffer] = ()
) -> Exchange:
    """Dial for one request. Nothing is sent yet, unless dialling itself carries the command."""
    changes = services.changes(request.command)
    limit = timeouts.change if changes or services.holds_image(request.command) else timeouts.read
    connection = dialer.dial(request, timeouts.connect)
    conversation = Conversation(request, contents=contents, carried=connection.carried)
    return Exchange(connection, conversation, limit, changes=changes)


class Subscription:
    """An open stream; close it, or use it in a `with`."""

    def __init__(self, opened: Exchange, answer: Answer) -> None:
        self._exchange = opened
        self.answer = answer
        """What the daemon said when it opened the stream."""

    @property
    def ended(self) -> bool:
        """Whether the daemon ended it."""
        return self._exchange.ended

    def read(self, timeout: float, *, quiet: bool = True) -> list[Answer]:
        """What came within `timeout` seconds; nothing when nothing did or the stream ended. With `quiet` off,
        silence raises Unreachable. Raises Unreachable and DecodeError."""
        until = monotonic() + timeout
        answers = [] if self._exchange.ended else self._exchange.read(timeout)
        if not (quiet or answers or self._exchange.ended) and monotonic() >= until:
            raise Unreachable("albatross stopped sending")
        return answers

    def fileno(self) -> int:
        """For `select`: readable when there is something to read, or the stream ended."""
        return self._exchange.fileno()

    def close(self) -> None:
        self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
