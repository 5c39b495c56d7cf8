"""One command and its answers, without any I/O: what to send, what came, and when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from workers.albatross import commands as c
from workers.albatross import der_write as der
from workers.albatross import replies as r
from workers.albatross import services
from workers.albatross.errors import ClosedWithoutReply, DecodeError, UnknownOutcome
from workers.albatross.failures import CommandFailed
from workers.albatross.framing import END_OF_CHUNKS, MOST_ANSWER, MOST_IMAGE, FrameReader, frame
from workers.albatross.grammar.envelope import Answer, Header, Request, read_answer, write_request
from workers.albatross.names import Name
from workers.albatross.values import Buffer

CHUNK = 65_536
_END_OF_STREAM = b"exception while reading from fd"
"""What the TLS endpoint says when the daemon behind it ended a stream."""


class Conversation:
    """The state of one connection. Feed it what comes in; it gives answers whose names are in full.

    `carried`: the connection itself brought the command (inside a TLS certificate), so that only chunks are
    sent, and the answers' names and sequences are not the command's.
    """

    def __init__(self, request: Request, *, contents: Iterable[Buffer] = (), carried: bool = False) -> None:
        self._request = request
        self._contents = contents
        self._carried = carried
        big = services.holds_image(request.command)
        self._frames = FrameReader(MOST_IMAGE if big else MOST_ANSWER)
        self._pieces = services.pieces_of(request.command)
        self._answered = False
        self.finished = False
        """Nothing more is to come: the connection can be closed."""

    @property
    def answered(self) -> bool:
        """Whether the daemon said yes."""
        return self._answered

    def outgoing(self) -> Iterator[der.Parts]:
        """What to send, piece by piece; large contents are not copied. Raises NotSendable."""
        if not self._carried:
            yield frame(write_request(self._request))
        command = self._request.command
        if isinstance(command, c.SetBlock):
            yield from _chunks(self._contents)
        elif isinstance(command, c.Create) and self._carried:
            yield from _chunks((command.config.image,))

    def receive(self, data: bytes) -> list[Answer]:
        """Take what came in; returns the answers that are complete now.

        Raises CommandFailed when the daemon refused, and DecodeError for what is no proper answer.
        """
        answers = []
        for message in self._frames.feed(data):
            if self.finished:  # a policy's connection stays open, but we asked for one thing only
                break
            answer = self._take(read_answer(message))
            if answer is not None:
                answers.append(answer)
        return answers

    def closed(self) -> None:
        """The other side closed. Raises ClosedWithoutReply before an answer, UnknownOutcome in the middle of
        it, DecodeError in the middle of a stream; the end of a subscription is no error."""
        if self.finished:
            return
        if not self._answered:
            if self._frames.inside:
                raise UnknownOutcome("albatross closed the connection in the middle of its answer")
            raise ClosedWithoutReply("albatross closed the connection without an answer")
        if self._frames.inside or r.BlockEnd in self._pieces:
            raise DecodeError("albatross closed the connection before the end of the stream")
        self.finished = True

    def _take(self, answer: Answer) -> Answer | None:
        self._check_header(answer.header)
        reply = answer.reply
        if isinstance(reply, r.Failure):
            if self._answered and bytes(reply.text) == _END_OF_STREAM:
                self.finished = True
                return None
            raise CommandFailed(reply.text)
        if not self._answered:
            return self._take_first(answer)
        if isinstance(reply, r.UnknownData):
            return None
        if not isinstance(reply, self._pieces):
            raise DecodeError("a piece of the stream is of another kind than what was asked for")
        self.finished = isinstance(reply, r.BlockEnd)
        return replace(answer, header=self._full_header(answer))

    def _take_first(self, answer: Answer) -> Answer:
        reply, command = answer.reply, self._request.command
        if isinstance(reply, r.UnknownSuccess):
            raise DecodeError(f"unsupported reply (tag {reply.tag})")
        right_form = not isinstance(reply, r.Infos) or reply.form == getattr(command, "form", None)
        if not isinstance(reply, services.answers_of(command)) or not right_form:
            raise DecodeError("the answer is of another kind than what was asked for")
        self._answered = True
        self.finished = not self._pieces
        asked = answer.header.name if self._carried else self._request.header.name
        return replace(answer, reply=with_full_names(reply, asked))

    def _check_header(self, header: Header) -> None:
        ours = self._request.header
        if header.version != ours.version:
            raise DecodeError("the answer is in another version than the command")
        if self._carried or self._answered:
            return
        # The canonical form of the name may be in lower case; in wire 4 a path looks like a unikernel.
        if header.sequence != ours.sequence or header.name.folded.labels != ours.name.folded.labels:
            raise DecodeError("the answer is to another command")

    def _full_header(self, answer: Answer) -> Header:
        """Measurements are named relative to the path of the subscription, console lines are not."""
        header = answer.header
        if not isinstance(answer.reply, r.Measured):
            return header
        return replace(header, name=header.name.absolute(self._request.header.name.inside))


def with_full_names(reply: r.Reply, asked: Name) -> r.Reply:
    """A list's names in full: those of a path's list are relative to it."""
    match reply:
        case r.Policies():
            policies = tuple(replace(one, name=one.name.absolute(asked)) for one in reply.policies)
            return replace(reply, policies=policies)
        case r.Infos():
            infos = tuple(replace(one, name=one.name.absolute(asked)) for one in reply.unikernels)
            return replace(reply, unikernels=infos)
        case r.Configs():
            configs = tuple(replace(one, name=one.name.absolute(asked)) for one in reply.unikernels)
            return replace(reply, unikernels=configs)
        case r.Blocks():
            volumes = tuple(replace(one, name=one.name.absolute(asked)) for one in reply.volumes)
            return replace(reply, volumes=volumes)
        case r.Consoles():
            return replace(reply, names=tuple(name.absolute(asked) for name in reply.names))
        case _:
            return reply


def _chunks(contents: Iterable[Buffer]) -> Iterator[der.Parts]:
    """Contents as a row of chunks with its end mark; nothing is copied."""
    for piece in contents:
        view = memoryview(piece).cast("B")
        for at in range(0, len(view), CHUNK):
            part = view[at : at + CHUNK]
            yield len(part).to_bytes(4, "big"), part
    yield (END_OF_CHUNKS,)
