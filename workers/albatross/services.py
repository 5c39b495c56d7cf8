"""Which daemon takes which command, and what it answers."""

from __future__ import annotations

from enum import Enum

from workers.albatross import commands as c
from workers.albatross import replies as r


class Service(Enum):
    """A daemon of albatross; the value is the name of its socket without `.sock`."""

    DAEMON = "vmmd"
    CONSOLE = "console"
    STATISTICS = "stat"
    LOG = "log"


_ANSWERS: dict[type[c.Command], tuple[type[r.Reply], ...]] = {
    c.ReadInfo: (r.Infos,),
    c.GetImage: (r.Image,),
    c.ReadPolicies: (r.Policies,),
    c.ReadBlocks: (r.Blocks,),
    c.ListInactiveConsoles: (r.Consoles,),
}


def service_of(command: c.Command) -> Service:
    """The daemon that takes this command."""
    match command:
        case c.AddConsole() | c.SubscribeConsole() | c.ListInactiveConsoles():
            return Service.CONSOLE
        case c.AddStatistics() | c.RemoveStatistics() | c.SubscribeStatistics():
            return Service.STATISTICS
        case c.SubscribeLog():
            return Service.LOG
        case _:
            return Service.DAEMON


def answers_of(command: c.Command) -> tuple[type[r.Reply], ...]:
    """The kinds of answer that mean success."""
    match command:
        case c.ReadInfo(form=1) | c.GetImage(form=1):
            return (r.Configs,)
        case c.DumpBlock():
            return (r.BlockImage,) if command.old else (r.BlockStream,)
        case _:
            return _ANSWERS.get(type(command), (r.Done, r.Said))


def pieces_of(command: c.Command) -> tuple[type[r.Data], ...]:
    """The kinds of piece that follow the answer of a stream; empty for a command with one answer."""
    match command:
        case c.SubscribeConsole():
            return (r.ConsoleLine,)
        case c.SubscribeStatistics():
            return (r.Measured,)
        case c.DumpBlock(old=False):
            return (r.BlockPiece, r.BlockEnd)
        case _:
            return ()


def changes(command: c.Command) -> bool:
    """Whether it changes something on the host, so that it must not be sent again unseen."""
    reads = (c.ReadInfo, c.GetImage, c.ReadPolicies, c.ReadBlocks, c.DumpBlock, c.ListInactiveConsoles)
    streams = (c.SubscribeConsole, c.SubscribeStatistics, c.SubscribeLog)
    return not isinstance(command, (*reads, *streams))


def holds_image(command: c.Command) -> bool:
    """Whether its answer may be as big as an image or a block volume."""
    match command:
        case c.GetImage() | c.ReadInfo(form=1) | c.DumpBlock(old=True):
            return True
        case _:
            return False
