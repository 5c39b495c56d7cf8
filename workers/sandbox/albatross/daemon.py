"""Albatrossd: unikernels, quota policies and block volumes of one host, its order of checks and its faults.

One lock serialises all commands, as in the real one. Nothing here knows of sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.names import Name
from workers.albatross.values import (
    BlockVolume,
    NamedConfig,
    NamedPolicy,
    QuotaPolicy,
    Settings,
    UnikernelConfig,
)
from workers.sandbox.albatross import running as processes
from workers.sandbox.albatross.consoles import Consoles
from workers.sandbox.albatross.exits import AfterExit, after_exit
from workers.sandbox.albatross.images import Inspect, Inspected, check_manifest, inspector
from workers.sandbox.albatross.listing import listed
from workers.sandbox.albatross.policies import UNLIMITED, Policies
from workers.sandbox.albatross.profile import Profile
from workers.sandbox.albatross.programs import Lives, Program, never, ticking
from workers.sandbox.albatross.refusal import Died, Refusal
from workers.sandbox.albatross.running import Running
from workers.sandbox.albatross.stored import stored_image
from workers.sandbox.albatross.volumes import Volumes, Writer, dump

_LEVELS = range(10)
_CONSOLE_FAILED = "could not create unikernel: console failed"


@dataclass(slots=True)
class Machine:
    """The host that the daemon finds itself on."""

    bridges: list[str] = field(default_factory=lambda: ["service"])
    cpuids: tuple[int, ...] = (0, 1)
    memory: int = 24_105
    disk: int = 258_019
    tenders: tuple[str, ...] = ("solo5-hvt.2", "solo5-spt.2")


@dataclass(slots=True)
class Outcome:
    """What the daemon answers: a reply, perhaps pieces after it; and whether it reads another command."""

    reply: r.Reply
    pieces: Iterator[r.Data] = field(default_factory=lambda: iter(()))
    keeps_open: bool = False


class Daemon:
    """One albatrossd and what it runs. Call it from one event loop only."""

    def __init__(
        self,
        profile: Profile,
        machine: Machine,
        consoles: Consoles,
        *,
        inspect: Inspect | None = None,
        program: Program = ticking,
        lives: Lives = never,
        pace: float = 1.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.profile = profile
        self.machine = machine
        self.unikernels: dict[Name, Running] = {}
        self.volumes = Volumes()
        self.policies = Policies(self._root_policy())
        self._consoles = consoles
        self._inspect = inspect or inspector(machine.tenders)
        self._program, self._lives = program, lives
        self._pace = pace
        self.now = now
        self._lock = asyncio.Lock()
        self._console_lost = False

    async def answer(self, name: Name, command: c.Command) -> Outcome:
        """What albatrossd does with a command. Raises Refusal, and Died for what ends it."""
        if isinstance(command, c.Restart) and not self.profile.since(2, 4) and name in self.unikernels:
            await asyncio.Event().wait()  # it waits for an end that it did not cause
        async with self._lock:
            match command:
                case c.AddPolicy():
                    new = self.policies.add(name, command.policy, self._settings(), self.volumes.sizes())
                    said = b"added policy" if new else b"no modification of policy"
                    return Outcome(r.Said(said), keeps_open=True)
                case c.DumpBlock(old=False):
                    return self._dump(name, command.level)
                case _:
                    return Outcome(await self._answer(name, command))

    async def _answer(self, name: Name, command: c.Command) -> r.Reply:  # noqa: PLR0911 - a table
        match command:
            case c.ReadInfo():
                return self._infos(name, command.form)
            case c.Create():
                return await self._create(name, command)
            case c.Destroy():
                await self._end(name)
                return r.Said(self.profile.destroyed)
            case c.Restart():
                return await self._restart(name, command)
            case c.GetImage():
                return self._image(name, command)
            case c.ReadPolicies():
                policies = listed(name.inside, self.policies.by_path.items())
                return r.Policies(tuple(NamedPolicy(path, policy) for path, policy in policies))
            case c.RemovePolicy():
                if self.policies.by_path.pop(name.inside, None) is None:
                    raise Refusal("unknown policy")
                return r.Said(b"removed policy")
            case c.ConnectStatistics():
                return r.Done()
            case _:
                return self._block(name, command)

    # --- unikernels

    def _infos(self, name: Name, form: c.InfoForm) -> r.Reply:
        found = list(listed(name, self.unikernels.items()))
        if form == 1:
            return r.Configs(tuple(NamedConfig(shown, _oldest(one.config)) for shown, one in found))
        if self.profile.since(2, 7) and form < 6 and any(_cpus(one) != 1 for _, one in found):
            raise Died("info in an old form while a unikernel has a set of CPUs that is not of size one")
        sizes = self.volumes.sizes()
        infos = tuple(replace(one.info(sizes, resolved=form >= 4), name=shown) for shown, one in found)
        return r.Infos(form, infos)

    def _image(self, name: Name, command: c.GetImage) -> r.Reply:
        if command.form == 3 and command.level not in _LEVELS:
            raise Died("get with a compression level that zlib does not have")
        unikernel = self.unikernels.get(name)
        if unikernel is None:
            raise Refusal("get: no unikernel found")
        if command.form == 1:
            return r.Configs((NamedConfig(name, _oldest(unikernel.config)),))
        return stored_image(unikernel.config, command.level if command.form == 3 else None)

    async def _create(self, name: Name, command: c.Create) -> r.Reply:
        settings = replace(command.config.settings, cpus=command.config.settings.cpus or 1)
        if self.profile.since(2, 6) and command.form < 4:
            settings = replace(settings, add_name=True)
        config = UnikernelConfig(
            settings, bytes(command.config.image), command.config.compressed, command.config.kind
        )
        old = self.unikernels.get(name) if command.force else None
        if name in self.unikernels and not command.force:
            raise Refusal("Unikernel with same name is already running")
        self._check_resources(name, settings, besides=old)
        if old is not None:
            await self._end(name)
        # From here on a force-create has already lost the old unikernel.
        self._start(name, config, self._inspect(config.image, config.compressed))
        return r.Said(self.profile.words("created unikernel"))

    async def _restart(self, name: Name, command: c.Restart) -> r.Reply:
        unikernel = self.unikernels.get(name)
        if unikernel is None:
            raise Refusal("destroy: not found")
        config, inspected = unikernel.config, unikernel.inspected
        settings = command.settings
        if settings is not None:
            if self.profile.since(2, 7):
                check_manifest(inspected.image, settings)
            if self.profile.since(2, 6) and command.form == 0:
                settings = replace(settings, add_name=True)
            config = replace(config, settings=self._restarted(config.settings, settings))
        await self._end(name)
        if not self.profile.since(2, 6) and config.compressed:
            raise Refusal("error during ELF parsing")
        self._check_resources(name, config.settings, besides=None)
        self._start(name, config, inspected)
        return r.Said(self.profile.words("created unikernel"))

    def _restarted(self, old: Settings, new: Settings) -> Settings:
        if self.profile.since(2, 8) or not self.profile.since(2, 7):
            return replace(new, cpus=new.cpus or 1)
        kept = old.linux_boot_partition
        return replace(new, memory=old.memory, cpus=old.cpus, linux_boot_partition=kept)

    def _check_resources(self, name: Name, settings: Settings, *, besides: Running | None) -> None:
        """Policy, then block volumes, as if `besides` were gone."""
        others = {other: one for other, one in self.unikernels.items() if one is not besides}
        used = {other: one.config.settings for other, one in others.items()}
        self.policies.check_unikernel(name, settings, used)
        taken = {volume for one in others.values() for volume in one.volumes()}
        for block in settings.blocks:
            volume = processes.volume_of(name, block)
            if volume not in self.volumes.by_name:
                raise Refusal(f"block device {volume} not found")
            if volume in taken:
                raise Refusal(f"block device {volume} already in use")

    def _start(self, name: Name, config: UnikernelConfig, inspected: Inspected) -> None:
        check_manifest(inspected.image, config.settings)
        for network in config.settings.networks:
            bridge = network.bridge or network.name
            if bridge not in self.machine.bridges:
                raise Refusal(f"interface {bridge} does not exist")
        if name.label is None and not self.profile.since(2, 8):
            self._console_lost = True  # the console daemon closes its link to this one
        if self._console_lost:
            raise Refusal(_CONSOLE_FAILED)
        policy = self.policies.by_path.get(name.inside)
        self._consoles.open(name, (policy.unikernels if policy else UNLIMITED) + 1)
        moment = self.now()
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        unikernel = Running(name, config, inspected, moment, processes.next_pid())
        self.unikernels[name] = unikernel
        processes.play(unikernel, self._program, self._consoles, self._pace, self._exited, self._lives)

    async def _exited(self, unikernel: Running, code: int) -> None:
        """A unikernel exited by itself."""
        if self.unikernels.get(unikernel.name) is not unikernel:
            return
        config = unikernel.config
        del self.unikernels[unikernel.name]
        self._consoles.end(unikernel.name)
        follows = after_exit(config.settings, code, self.profile)
        if follows is AfterExit.END:
            return
        if follows is AfterExit.WITHOUT_NAME:
            config = replace(config, settings=replace(config.settings, add_name=False))
        try:
            self._start(unikernel.name, config, unikernel.inspected)
        except Refusal:
            return

    async def _end(self, name: Name) -> None:
        unikernel = self.unikernels.pop(name, None)
        if unikernel is None:
            raise Refusal("destroy: not found")
        await processes.end(unikernel, self._consoles)

    def exit(self, name: Name, code: int) -> None:
        """Let a unikernel exit with this code, as if it had done so itself. Raises KeyError."""
        unikernel = self.unikernels[name]
        if unikernel.task is not None:
            unikernel.task.cancel()
        self._exits = asyncio.get_running_loop().create_task(self._exited(unikernel, code))

    # --- block volumes

    def _block(self, name: Name, command: c.Command) -> r.Reply:
        match command:
            case c.ReadBlocks():
                used = self._volumes_in_use()
                known = ((path, (path in used, volume)) for path, volume in self.volumes.by_name.items())
                found = listed(name, known)
                return r.Blocks(tuple(BlockVolume(shown, one.size, active) for shown, (active, one) in found))
            case c.AddBlock() | c.AddBlockWithData():
                self.volumes.check_size(command.size)
                self.policies.check_volume(name, command.size, self.volumes.sizes())
                volume = self.volumes.add(name, command.size)
                if isinstance(command, c.AddBlockWithData) and command.data is not None:
                    _write_all(Writer(volume, compressed=command.compressed), command.data)
                return r.Said(b"added block device")
            case c.RemoveBlock():
                self._unused(name, "remove")
                del self.volumes.by_name[name]
                return r.Said(b"removed block")
            case c.SetBlockData():
                _write_all(self.writer(name, compressed=command.compressed), command.data)
                return r.Said(b"set block device")
            case c.DumpBlock():
                pieces = self._dump(name, command.level).pieces
                data = b"".join(piece.data for piece in pieces if isinstance(piece, r.BlockPiece))
                return r.BlockImage(command.level > 0, data)
            case _:
                raise Refusal("unknown command")

    def writer(self, name: Name, *, compressed: bool) -> Writer:
        """Begin to overwrite a volume: what was in it is gone. Raises Refusal."""
        self._unused(name, "set")
        return Writer(self.volumes.by_name[name], compressed=compressed)

    def _dump(self, name: Name, level: int) -> Outcome:
        if level not in _LEVELS:
            raise Died("block dump with a compression level that zlib does not have")
        self._unused(name, "dump")
        volume = self.volumes.by_name[name]

        def pieces() -> Iterator[r.Data]:
            for piece in dump(volume, level):
                yield r.BlockPiece(piece)
            yield r.BlockEnd()

        return Outcome(r.BlockStream(level > 0), pieces())

    def _unused(self, name: Name, verb: str) -> None:
        if name not in self.volumes.by_name:
            raise Refusal(f"{verb} block: not found")
        if name in self._volumes_in_use():
            raise Refusal(f"{verb} block: is in use")

    def _volumes_in_use(self) -> set[Name]:
        return {volume for one in self.unikernels.values() for volume in one.volumes()}

    # --- the daemon's own life

    async def stop(self) -> dict[Name, UnikernelConfig]:
        """End everything, as SIGTERM does; returns what the state file holds."""
        state = {name: one.config for name, one in self.unikernels.items()}
        for name in list(self.unikernels):
            await self._end(name)
        return state

    async def start(self, state: dict[Name, UnikernelConfig]) -> None:
        """Start what the state file holds, in startup order. What cannot be started now is forgotten."""
        self._console_lost = False
        kept = self.policies.by_path if self.profile.since(2, 2) else {}
        self.policies = Policies(self._root_policy())
        self.policies.by_path = {**kept, **self.policies.by_path}
        for name, config in sorted(state.items(), key=lambda pair: _startup(pair[1])):
            try:
                self._start(name, config, self._inspect(config.image, config.compressed))
            except Refusal:
                continue

    def _settings(self) -> dict[Name, Settings]:
        return {name: one.config.settings for name, one in self.unikernels.items()}

    def _root_policy(self) -> QuotaPolicy | None:
        if not self.profile.since(2, 3):
            return None
        here = self.machine
        return QuotaPolicy(UNLIMITED, here.memory, here.cpuids, here.disk, tuple(sorted(here.bridges)))


def _startup(config: UnikernelConfig) -> int:
    return 50 if config.settings.startup is None else config.settings.startup


def _cpus(unikernel: Running) -> int:
    return len(unikernel.config.settings.cpuids)


def _oldest(config: UnikernelConfig) -> UnikernelConfig:
    """As 1.0 knew configs: devices by name."""
    settings = config.settings
    blocks = tuple(replace(block, volume=None, sector_size=None) for block in settings.blocks)
    networks = tuple(replace(network, mac=None) for network in settings.networks)
    return replace(config, settings=replace(settings, blocks=blocks, networks=networks))


def _write_all(writer: Writer, data: bytes | memoryview) -> None:
    writer.write(data)
    writer.finish()
