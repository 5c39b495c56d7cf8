"""A client of albatross: one connection per command, everything checked before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TypeVar

from workers.albatross import commands as c
from workers.albatross import guards
from workers.albatross import replies as r
from workers.albatross.dialer import Dialer
from workers.albatross.errors import ClosedWithoutReply, Unreachable
from workers.albatross.exchange import PATIENT, Exchange, Subscription, Timeouts, open_exchange
from workers.albatross.grammar.envelope import Answer, Header, Request
from workers.albatross.names import ROOT, Name
from workers.albatross.releases import Dialect
from workers.albatross.values import (
    BlockVolume,
    Buffer,
    NamedPolicy,
    QuotaPolicy,
    Settings,
    UnikernelConfig,
    UnikernelInfo,
)

_Reply = TypeVar("_Reply")


class Client:
    """Speaks to the daemons of one host in the dialect of its release.

    Every method raises NotSendable before anything is sent, Unreachable when nothing was sent, CommandFailed
    when albatross refused, ClosedWithoutReply when it did not understand, UnknownOutcome when a change may or
    may not have happened, and DecodeError for an answer that is none.
    """

    def __init__(self, dialer: Dialer, dialect: Dialect, timeouts: Timeouts = PATIENT) -> None:
        self._dialer = dialer
        self.dialect = dialect
        self._timeouts = timeouts

    def unikernels(self, name: Name = ROOT) -> tuple[UnikernelInfo, ...]:
        """What runs at or below the name, by name in full. Releases before 1.1 have no such list."""
        command = c.ReadInfo(self.dialect.info)
        return self._reply(name, command, r.Infos).unikernels

    def policies(self, path: Name = ROOT) -> tuple[NamedPolicy, ...]:
        """The quota policies at and below a path."""
        return self._reply(path, c.ReadPolicies(), r.Policies).policies

    def volumes(self, name: Name = ROOT) -> tuple[BlockVolume, ...]:
        """The block volumes at or below the name."""
        return self._reply(name, c.ReadBlocks(), r.Blocks).volumes

    def create(self, name: Name, config: UnikernelConfig, *, force: bool = False) -> None:
        """Start a unikernel; with `force`, end the running one of that name first. The answer says that its
        process was started, not that it is well."""
        self.ask(name, c.Create(self.dialect.create, config, force))

    def destroy(self, name: Name) -> None:
        """End a unikernel and wait for its end; its settings and image are gone from the host."""
        self.ask(name, c.Destroy())

    def restart(self, name: Name, settings: Settings | None = None) -> None:
        """End and start a unikernel, with its own or with new settings (see the dialect for what works)."""
        self.ask(name, c.Restart(settings, self.dialect.restart or 0))

    def image(self, name: Name, level: int = 0) -> r.Image:
        """The image of a running unikernel, compressed by zlib at `level` (0: not compressed)."""
        return self._reply(name, c.GetImage(self.dialect.get, level), r.Image)

    def set_policy(self, path: Name, policy: QuotaPolicy) -> None:
        """Set the quota policy of a path."""
        self.ask(path, c.AddPolicy(policy))

    def remove_policy(self, path: Name) -> None:
        """Remove the quota policy of a path; what runs there goes on."""
        self.ask(path, c.RemovePolicy())

    def add_volume(self, name: Name, size: int) -> None:
        """Make a block volume of `size` MB."""
        self.ask(name, c.AddBlock(size))

    def remove_volume(self, name: Name) -> None:
        """Delete a block volume and what is in it."""
        self.ask(name, c.RemoveBlock())

    def write_volume(self, name: Name, contents: Iterable[Buffer], *, compressed: bool = False) -> None:
        """Overwrite a block volume with a stream. What was in it is gone even when this fails."""
        self.ask(name, c.SetBlock(compressed), contents)

    def read_volume(self, name: Name, level: int = 0) -> Iterator[Buffer]:
        """The contents of a block volume as pieces; at a level other than 0, of one zlib stream."""
        until = monotonic() + self._timeouts.transfer
        with self.subscribe(name, c.DumpBlock(level)) as pieces:
            while not pieces.ended:
                if monotonic() > until:
                    raise Unreachable("albatross took too long to send the block volume")
                for answer in pieces.read(self._timeouts.read, quiet=False):
                    if isinstance(answer.reply, r.BlockPiece):
                        yield answer.reply.data

    def inactive_consoles(self, path: Name = ROOT) -> tuple[Name, ...]:
        """Consoles of unikernels that no longer run."""
        return self._reply(path, c.ListInactiveConsoles(), r.Consoles).names

    def console(self, name: Name, count: int = 1024) -> Subscription:
        """The last lines of a console, then those to come."""
        return self.subscribe(name, c.SubscribeConsole(count=count, old=self.dialect.old_console))

    def statistics(self, name: Name = ROOT) -> Subscription:
        """Measurements of everything at or below the name. One subscriber per name: this ends another's."""
        return self.subscribe(name, c.SubscribeStatistics())

    def ask(self, name: Name, command: c.Command, contents: Iterable[Buffer] = ()) -> Answer:
        """Send any command with one answer, and wait for it."""
        opened = self._open(name, command, contents)
        try:
            return opened.first_answer()
        finally:
            opened.close()

    def subscribe(self, name: Name, command: c.Command) -> Subscription:
        """Send any command that opens a stream, and wait for its answer."""
        opened = self._open(name, command, ())
        try:
            return Subscription(opened, opened.first_answer())
        except BaseException:
            opened.close()
            raise

    def _reply(self, name: Name, command: c.Command, kind: type[_Reply]) -> _Reply:
        reply = self.ask(name, command).reply
        if not isinstance(reply, kind):
            raise ClosedWithoutReply("this albatross has no such list")
        return reply

    def _open(self, name: Name, command: c.Command, contents: Iterable[Buffer]) -> Exchange:
        guards.check(name, command, self.dialect)
        request = Request(Header(name, version=self.dialect.wire), command)
        return open_exchange(self._dialer, request, self._timeouts, contents)
