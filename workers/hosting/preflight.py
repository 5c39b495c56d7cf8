"""What would make albatross refuse a unikernel, found before anything is ended.

A force-create ends the old unikernel first and finds a wrong image, device or bridge only then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tenants.formats.solo5_image import device_problems
from tenants.formats.unikernels import DesiredHost, WantedUnikernel, path_labels
from workers.albatross import guards
from workers.albatross.errors import NotSendable
from workers.albatross.names import Name
from workers.albatross.releases import Dialect
from workers.hosting.likeness import settings_of
from workers.hosting.seen import SeenHost


@dataclass
class Room:
    """What is left of the quota policy and of the host, after what is not ours and what was let through."""

    memory: int
    unikernels: int
    host_memory: int | None
    taken: set[str] = field(default_factory=set)
    """Volumes that somebody uses."""

    @classmethod
    def of(cls, desired: DesiredHost, seen: SeenHost) -> Room:
        others = [one for one in seen.inside if one.name.folded.label not in desired.labels]
        used = sum(one.settings.memory for one in others)
        root = seen.root
        return cls(
            memory=desired.policy.memory - used,
            unikernels=desired.policy.unikernels - len(others),
            host_memory=None if root is None else root.memory - seen.memory_of_others - used,
            taken={block.volume or block.name for one in others for block in one.settings.blocks},
        )

    def take(self, wanted: WantedUnikernel) -> None:
        self.memory -= wanted.memory
        self.unikernels -= 1
        if self.host_memory is not None:
            self.host_memory -= wanted.memory
        self.taken |= {volume for _, volume in wanted.blocks}


def problems(
    wanted: WantedUnikernel,
    desired: DesiredHost,
    seen: SeenHost,
    room: Room,
    dialect: Dialect,
    *,
    takes_images: bool,
) -> list[str]:
    """Why it would not start, as sentences; none when nothing is known against it."""
    found = list(_about_image(wanted, takes_images=takes_images))
    found += _about_devices(wanted, desired, seen, room)
    found += _about_room(wanted, desired, room)
    try:
        Name(path_labels(desired.path), wanted.label).check(old=dialect.wire < 5)
        guards.check_settings(settings_of(wanted, dialect), dialect)
    except NotSendable as problem:
        found.append(f"{problem.sentence} {problem.hint}")
    return found


def _about_image(wanted: WantedUnikernel, *, takes_images: bool) -> Iterable[str]:
    image = wanted.image
    if not image.runs_on_albatross:
        yield f"The image is for {image.target}; albatross runs hvt and spt only."
    yield from device_problems(
        image,
        networks=(device for device, _ in wanted.networks),
        blocks=(device for device, _ in wanted.blocks),
    )
    if not takes_images:
        yield "Over TLS albatross takes images from 2.5 on only. Connect this host by SSH, or update it."


def _about_devices(
    wanted: WantedUnikernel, desired: DesiredHost, seen: SeenHost, room: Room
) -> Iterable[str]:
    root = seen.root
    bridges = None if root is None else frozenset(root.bridges)
    for _, bridge in wanted.networks:
        if bridges is not None and bridge not in bridges:
            yield (
                f"The host has no bridge {bridge} that albatross knows. Make it there; if it was made after"
                " albatross started, restart albatross_daemon."
            )
    stored = {*seen.stored, *(label for label, _ in desired.volumes)}
    for _, volume in wanted.blocks:
        if volume not in stored:
            yield f"There is no block volume {volume}. Add it first."
        elif volume in room.taken:
            yield f"The block volume {volume} is used by another unikernel."


def _about_room(wanted: WantedUnikernel, desired: DesiredHost, room: Room) -> Iterable[str]:
    if room.unikernels < 1:
        yield f"The quota policy allows {desired.policy.unikernels} unikernels, and so many there are."
    if wanted.memory > room.memory:
        yield f"It needs {wanted.memory} MB, and {max(room.memory, 0)} MB are left of the quota policy."
    elif room.host_memory is not None and wanted.memory > room.host_memory:
        yield f"It needs {wanted.memory} MB, and the host has {max(room.host_memory, 0)} MB left."
    if wanted.cpuid not in desired.policy.cpuids:
        yield f"CPU {wanted.cpuid} is not in the quota policy."
