"""What was read of a host, as far as one organization's part of it goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from workers.albatross.client import Client
from workers.albatross.names import ROOT, Name
from workers.albatross.quota import is_inside
from workers.albatross.values import BlockVolume, NamedPolicy, QuotaPolicy, UnikernelInfo


@dataclass(frozen=True)
class SeenHost:
    """All that a host told. `everything` is false where only the part itself may be read."""

    path: Name
    unikernels: tuple[UnikernelInfo, ...] = field(repr=False)
    policies: tuple[NamedPolicy, ...]
    volumes: tuple[BlockVolume, ...]
    everything: bool = True

    @property
    def inside(self) -> tuple[UnikernelInfo, ...]:
        """What runs in the part."""
        return tuple(one for one in self.unikernels if self.holds(one.name))

    def holds(self, name: Name) -> bool:
        """Whether something lies in the part: at its path and below. Below the root path are other people's
        parts, so that of it only what has no label in front belongs to it."""
        return is_inside(name, self.path) if self.path.path else not name.path

    @property
    def running(self) -> dict[str, UnikernelInfo]:
        """What runs directly at the path, by label."""
        path = self.path.folded.path
        here = (one for one in self.inside if one.name.folded.path == path)
        return {one.name.folded.label: one for one in here if one.name.folded.label is not None}

    @property
    def stored(self) -> dict[str, BlockVolume]:
        """Block volumes directly at the path, by label."""
        path = self.path.folded.path
        here = (one for one in self.volumes if one.name.folded.path == path)
        return {one.name.folded.label: one for one in here if one.name.folded.label is not None}

    @property
    def policy(self) -> QuotaPolicy | None:
        """Of the path itself."""
        return self._policy_of(self.path)

    @property
    def root(self) -> QuotaPolicy | None:
        """What the host itself has, as albatross found it when it started (2.3 and newer)."""
        return self._policy_of(ROOT) if self.everything else None

    @property
    def memory_of_others(self) -> int:
        """MB that run outside the path."""
        return _memory(one for one in self.unikernels if not self.holds(one.name))

    def _policy_of(self, path: Name) -> QuotaPolicy | None:
        return next((one.policy for one in self.policies if one.name.folded == path.folded), None)


def look(client: Client, path: Name, *, at: Name = ROOT) -> SeenHost:
    """Read everything at and below `at`. Raises what the client raises."""
    return SeenHost(path, client.unikernels(at), client.policies(at), client.volumes(at), at == ROOT)


def _memory(some: Iterable[UnikernelInfo]) -> int:
    return sum(one.settings.memory for one in some)
