"""What stands in an organization's part of a host and is not Rookery's: what each is, and whether Rookery
could hold it exactly as it runs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from tenants.formats.secret_arguments import separate
from tenants.formats.text import FormatError, printable
from tenants.formats.unikernels import DesiredHost, RunningThere, check_exit_codes, check_label
from workers.albatross.names import Name, default_mac
from workers.albatross.releases import Dialect
from workers.albatross.values import BlockVolume, UnikernelInfo
from workers.hosting import likeness
from workers.hosting.seen import SeenHost

MOST_FOUND = 300
LONGEST_UNIT = 200
_SECTOR = 512
_STARTUP = 50
_One = TypeVar("_One", UnikernelInfo, BlockVolume)


@dataclass(frozen=True)
class Foreign:
    """One unikernel or block volume. `form` are its exact bytes, which may hold secrets; `running`, or
    `volume` (label, MB), is there when it can be taken over."""

    unit: str
    sentence: str
    text: str
    form: bytes = field(repr=False)
    info: UnikernelInfo | None = field(default=None, repr=False)
    running: RunningThere | None = field(default=None, repr=False)
    volume: tuple[str, int] | None = None

    @property
    def takeable(self) -> bool:
        return self.running is not None or self.volume is not None


def find(desired: DesiredHost, seen: SeenHost, dialect: Dialect) -> tuple[Foreign, ...]:
    """Everything in this part that desired state does not name; block volumes first."""
    volumes = tuple(_volumes(desired, seen))
    free = {each.volume[0] for each in volumes if each.volume is not None}
    looker = _Looker(desired, seen, dialect, free)
    found = {each.unit: each for each in (*volumes, *looker.unikernels())}
    return tuple(found.values())[:MOST_FOUND]


def _volumes(desired: DesiredHost, seen: SeenHost) -> Iterator[Foreign]:
    known = {label for label, _ in (*desired.volumes, *desired.gone_volumes)}
    left = desired.policy.storage - sum(size for label, size in (*desired.volumes, *desired.gone_volumes))
    for one in _inside(seen, known, seen.volumes):
        problem = _problem_of_name(one.name, seen) or _problem_of_size(one, left)
        said = "A block volume that Rookery did not make."
        yield Foreign(
            unit=_unit(f"volume {_relative(one.name, seen.path)}"),
            sentence=f"{said} {_cannot(problem)}" if problem else said,
            text=f"{one.size} MB",
            form=f"volume {one.name.folded} {one.size}".encode(),
            volume=None if problem else (str(one.name.folded.label), one.size),
        )


def _problem_of_size(one: BlockVolume, left: int) -> str:
    if one.size < 1:
        return "it has no size."
    if one.size > left:
        return f"it has {one.size} MB, and {max(left, 0)} MB are left of the quota for block volumes."
    return ""


def _inside(seen: SeenHost, known: set[str], some: tuple[_One, ...]) -> list[_One]:
    """Those at and below the path that desired state does not name, in the order of their names."""
    path = seen.path.folded.path
    found = [
        one
        for one in some
        if seen.holds(one.name)
        and not (one.name.folded.path == path and (one.name.folded.label or "") in known)
    ]
    return sorted(found, key=lambda one: one.name.folded.labels)


class _Looker:
    """Looks at each unikernel, as if it were the only one to be taken over. `free`: volumes that could be."""

    def __init__(self, desired: DesiredHost, seen: SeenHost, dialect: Dialect, free: set[str]) -> None:
        self.desired, self.seen, self.dialect = desired, seen, dialect
        self.ours = {label for label, _ in desired.volumes}
        self.free = free
        policy = desired.policy
        self.memory = policy.memory - sum(each.memory for each in desired.unikernels)
        self.places = policy.unikernels - len(desired.unikernels)

    def unikernels(self) -> Iterator[Foreign]:
        for info in _inside(self.seen, set(self.desired.labels), self.seen.inside):
            form = likeness.form_of_running(info, self.dialect)
            unit = _unit(_relative(info.name, self.seen.path))
            text = likeness.text_of_running(info, None)
            said = "It runs there, and Rookery did not start it."
            try:
                running = self._read(info)
            except FormatError as problem:
                yield Foreign(unit, f"{said} {_cannot(str(problem))}"[:500], text, form, info)
                continue
            yield Foreign(unit, f"{said}{self._goes_along(running)}"[:500], text, form, info, running)

    def _goes_along(self, running: RunningThere) -> str:
        names = sorted(running.arguments.secrets)
        volumes = sorted(volume for _, volume in running.blocks if volume in self.free)
        sealed = f" Of its arguments these are sealed: {', '.join(names)}." if names else ""
        return sealed + (f" Its block volume {', '.join(volumes)} is taken over with it." if volumes else "")

    def _read(self, info: UnikernelInfo) -> RunningThere:
        """In the words of desired state. Raises FormatError when those cannot say it."""
        settings, problem = info.settings, _problem_of_name(info.name, self.seen)
        if problem:
            raise FormatError("name", problem, "")
        if info.kind != "solo5" or settings.linux_boot_partition is not None:
            raise _no("it is no Solo5 unikernel.")
        if len(settings.cpuids) != 1 or (settings.cpus or 1) != 1:
            raise _no("it has more than one CPU, and Rookery gives each unikernel one.")
        [cpuid] = settings.cpuids
        self._require_room(cpuid, settings.memory)
        for each in settings.networks:
            self._require_network(info.name, each.name, each.bridge or each.name, each.mac)
        for block in settings.blocks:
            self._require_volume(block.name, block.volume or block.name, block.sector_size)
        startup = _STARTUP if settings.startup is None else settings.startup
        if not 0 <= startup <= 1000:
            raise _no(f"its order of start is {startup}, and Rookery knows 0 to 1000.")
        codes = settings.restart_on_exit
        if codes is not None and check_exit_codes(sorted(codes)) != sorted(codes):
            raise _no("its exit codes cannot be kept.")
        return RunningThere(
            label=str(info.name.folded.label),
            digest=info.digest.hex(),
            memory=settings.memory,
            cpuid=cpuid,
            networks=tuple((each.name, each.bridge or each.name) for each in settings.networks),
            blocks=tuple((each.name, each.volume or each.name) for each in settings.blocks),
            arguments=separate(settings.arguments),
            restart_on_exit=codes,
            startup=startup,
            # Before 2.6 albatross added no name.
            add_name=None if self.dialect.startup_and_add_name else False,
        )

    def _require_room(self, cpuid: int, memory: int) -> None:
        if cpuid not in self.desired.policy.cpuids:
            raise _no(f"CPU {cpuid} is not in the quota policy.")
        if not 1 <= memory <= self.memory:
            left = max(self.memory, 0)
            raise _no(f"it has {memory} MB, and {left} MB are left of the quota policy.")
        if self.places < 1:
            raise _no("the quota policy allows no further unikernel.")

    def _require_network(self, name: Name, device: str, bridge: str, mac: bytes | None) -> None:
        if bridge not in self.desired.policy.bridges:
            raise _no(f"no network of yours here is on the bridge {printable(bridge, 40)}. Add it first.")
        if mac is not None and mac not in {default_mac(device, name), default_mac(device, name.folded)}:
            raise _no(f"its device {printable(device, 40)} has a MAC address that somebody chose.")

    def _require_volume(self, device: str, volume: str, sector: int | None) -> None:
        if volume not in self.ours | self.free:
            raise _no(f"its block volume {printable(volume, 40)} is not Rookery's and cannot become so.")
        if sector not in {None, _SECTOR}:
            raise _no(f"its block device {printable(device, 40)} has sectors of {sector} bytes.")


def _problem_of_name(name: Name, seen: SeenHost) -> str:
    if name.folded.path != seen.path.folded.path:
        return "it is in a path below yours."
    try:
        same = check_label(name.label or "") == name.label
    except FormatError:
        same = False
    return "" if same else "Rookery's names have small letters, digits and hyphens only."


def _relative(name: Name, path: Name) -> str:
    """`web`, or `below:web` for what is in a path below."""
    return ":".join(name.labels[len(path.path) :])


def _unit(text: str) -> str:
    """What it is called here: one line that fits, with a mark of its own where it was cut."""
    shown = printable(text, LONGEST_UNIT)
    if shown == text:
        return text
    return f"{printable(text, LONGEST_UNIT - 20)} #{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _cannot(problem: str) -> str:
    return f"It cannot be taken over. {problem[:1].upper()}{problem[1:]}"


def _no(sentence: str) -> FormatError:
    return FormatError("unikernel", sentence, "")
