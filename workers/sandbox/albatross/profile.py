"""What a release of albatross accepts, and how it words its answers."""

from __future__ import annotations

from dataclasses import dataclass

from workers.albatross import commands as c
from workers.albatross.grammar.envelope import Header
from workers.albatross.names import Name
from workers.albatross.releases import Release
from workers.albatross.values import Settings

_EVER = Release(99)
_INFO = {
    1: (Release(1), Release(2, 6)),
    2: (Release(1, 1), Release(2, 6)),
    3: (Release(2, 1), Release(2, 7)),
    4: (Release(2, 4), _EVER),
    5: (Release(2, 6), _EVER),
    6: (Release(2, 7), _EVER),
}
_CREATE = {
    1: (Release(1), Release(2, 6)),
    2: (Release(1), Release(2, 6)),
    3: (Release(1, 1), _EVER),
    4: (Release(2, 6), _EVER),
    5: (Release(2, 7), _EVER),
}
_GET = {1: (Release(1), Release(2, 6)), 2: (Release(1, 1), Release(2, 6)), 3: (Release(1, 3), _EVER)}
_ARGUMENTS = {0: Release(2, 4), 1: Release(2, 6), 2: Release(2, 7)}


@dataclass(frozen=True, slots=True)
class Profile:
    """The stand-in's release. A 2.8 is a guess: 2.7 that also sends pieces of streams that nobody knows."""

    release: Release

    def since(self, major: int, minor: int, patch: int = 0) -> bool:
        return self.release >= Release(major, minor, patch)

    def accepts(self, header: Header, command: c.Command) -> bool:
        """Whether the daemon can read this message; otherwise it closes the connection."""
        newest = 5 if self.since(1, 5) else 4
        oldest = 5 if self.since(2, 6) else 3
        return oldest <= header.version <= newest and self._name(header.name) and self._understands(command)

    def _name(self, name: Name) -> bool:
        return self.since(1, 5) or all(len(label) <= 19 and "." not in label for label in name.labels)

    def _understands(self, command: c.Command) -> bool:  # noqa: PLR0911, PLR0912 - a table
        match command:
            case c.ReadInfo():
                return _within(self.release, _INFO[command.form])
            case c.Create():
                return _within(self.release, _CREATE[command.form]) and self._devices(command.config.settings)
            case c.GetImage():
                return _within(self.release, _GET[command.form])
            case c.Restart(old=True):
                return self.since(1, 5, 5) and not self.since(2, 7)
            case c.Restart():
                return self.release >= _ARGUMENTS[0 if command.settings is None else command.form]
            case c.SubscribeConsole():
                return not self.since(2, 6) if command.old else self.since(2, 1)
            case c.ListInactiveConsoles():
                return self.since(2, 6, 1)
            case c.AddConsole():
                return self.since(2, 6, 1) == (command.keep is not None)
            case c.AddBlockWithData() | c.SetBlockData() | c.DumpBlock(old=True):
                return self.since(1, 3)
            case c.SetBlock() | c.DumpBlock():
                return self.since(2, 5)
            case c.SubscribeLog():
                return not self.since(1, 2)
            case c.ConnectStatistics():
                return self.since(1, 5, 3)
            case _:
                return True

    def _devices(self, settings: Settings) -> bool:
        macs = any(network.mac is not None for network in settings.networks)
        sizes = any(block.sector_size is not None for block in settings.blocks)
        return (self.since(1, 5, 1) or not macs) and (self.since(1, 5, 3) or not sizes)

    def canonical(self, name: Name) -> Name:
        """The name as the daemon stores it and answers with it."""
        return name.folded if self.since(2, 6, 1) else name

    def words(self, text: str) -> bytes:
        """A sentence of 2.7 as this release says it."""
        if not self.since(2, 3):
            text = text.replace("Unikernel", "VM").replace("unikernels", "VMs").replace("unikernel", "VM")
        return text.encode()

    @property
    def destroyed(self) -> bytes:
        if self.since(2, 6, 1):
            return b"destroyed unikernel"
        return self.words("destroyed unikernel: signal SIGTERM (numeric -11)")

    @property
    def most_subscribers(self) -> int:
        """Of one console; the oldest is closed for a newcomer."""
        return 5 if self.since(2, 6, 1) else 1000 if self.since(2, 4) else 1

    @property
    def long_lines_cut(self) -> bool:
        """Since 2.5 lines are cut at 512 bytes and empty ones dropped."""
        return self.since(2, 5)


def _within(release: Release, bounds: tuple[Release, Release]) -> bool:
    return bounds[0] <= release < bounds[1]
