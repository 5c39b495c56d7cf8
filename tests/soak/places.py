"""The kinds of places that changes go to, and what each of them says itself: what is there, and what came and
went. Nothing of Rookery is asked: git by git, name servers by dnspython, the daemon by what it did."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import dns.query
import dns.rdatatype
import dns.zone

from tenants.models import Domain, HostShare, SyncTarget
from tests.conftest import HASH
from workers.albatross import commands
from workers.albatross.names import Name
from workers.albatross.values import Settings
from workers.repository.mirror import git_environment
from workers.sandbox.albatross.host import AlbatrossHost
from workers.zone import Server, TsigKey
from workers.zone.keys import signer

BASE = "base"
State = Any
"""How something is to be, as JSON; None: it is not to be there."""


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, env=git_environment(), check=True, timeout=60
    )
    return done.stdout.decode()


@dataclass
class Place:
    """One sync target, with what is outside of it. `domain` is None for what belongs to no domain."""

    target: SyncTarget
    domain: Domain | None

    @property
    def event_key(self) -> tuple[str, int]:
        """By which events belong to it."""
        return ("domain", self.domain.pk) if self.domain else ("target", self.target.pk)

    def __str__(self) -> str:
        return str(self.domain or self.target)

    def first(self) -> dict[str, State]:
        """What is to be there that no client asked for."""
        return {}

    def now(self) -> dict[str, State]:
        """What is there."""
        raise NotImplementedError

    def made(self) -> dict[str, list[State]]:
        """What each name became, one after the other."""
        return {}

    def problems(self, asked: int) -> list[str]:
        """What is wrong beside that, after so many changes were asked for."""
        return []


@dataclass
class GitPlace(Place):
    """A branch of a repository, in `folder`."""

    folder: Path

    def commits(self) -> Iterator[tuple[str, str, int]]:
        """Ids, trees and generations of its commits, the oldest first."""
        form = "--format=%H %T %(trailers:key=Rookery-Generation,valueonly)%x00"
        for line in git(self.folder, "log", "--reverse", form, "main").split("\0")[:-1]:
            commit, tree, generation = line.split()
            yield commit, tree, int(generation)

    def problems(self, asked: int) -> list[str]:
        """Each commit changes something, and never goes back behind what was asked for before.

        Two commits may be for one generation: a pass takes its number when it begins, and writes what it
        finds asked for a moment later, too. Whether the second wrote what the first had written is told by
        what each name became (see judge.wrong_order).
        """
        git(self.folder, "fsck", "--strict")
        found: list[str] = []
        last_tree, last_generation = "", 0
        for _, tree, generation in self.commits():
            if tree == last_tree:
                found.append(f"{self}: an empty commit for generation {generation}")
            if generation < last_generation:
                found.append(f"{self}: a commit for generation {generation} after one for {last_generation}")
            last_tree, last_generation = tree, generation
        return found


@dataclass
class Addresses(GitPlace):
    """A relay repository: a file for each address."""

    def first(self) -> dict[str, State]:
        return {BASE: {"targets": [f"{BASE}@home.example"], "password": HASH}}

    def now(self) -> dict[str, State]:
        names = git(self.folder, "ls-tree", "--name-only", "main").split()
        return {name: json.loads(git(self.folder, "show", f"main:{name}")) for name in names}

    def made(self) -> dict[str, list[State]]:
        found: dict[str, list[State]] = {}
        words = ("log", "--reverse", "--root", "--raw", "--no-abbrev", "--no-renames", "--format=", "main")
        for line in git(self.folder, *words).splitlines():
            facts, _, name = line.partition("\t")
            blob = facts.split()[3]
            gone = not blob.strip("0")
            state = None if gone else json.loads(git(self.folder, "cat-file", "blob", blob))
            found.setdefault(name, []).append(state)
        return found


def texts_of(zone: dns.zone.Zone) -> dict[str, State]:
    """TXT records by name: what clients of a soak write."""
    return {str(name): data.to_text().strip('"') for name, _, data in zone.iterate_rdatas(dns.rdatatype.TXT)}


@dataclass
class Records(GitPlace):
    """A zone in a zone repository."""

    def _zone(self, commit: str) -> dns.zone.Zone:
        file = git(self.folder, "show", f"{commit}:{self.domain}")
        return dns.zone.from_text(file, origin=f"{self.domain}.", relativize=True)

    def _versions(self) -> Iterator[dict[str, State]]:
        words = ("log", "--reverse", "--format=%H", "main", "--", str(self.domain))
        for commit in git(self.folder, *words).split():
            yield texts_of(self._zone(commit))

    def now(self) -> dict[str, State]:
        return texts_of(self._zone("main"))

    def made(self) -> dict[str, list[State]]:
        found: dict[str, list[State]] = {}
        before: dict[str, State] = {}
        for texts in self._versions():
            for name in {*before, *texts}:
                if before.get(name) != texts.get(name):
                    found.setdefault(name, []).append(texts.get(name))
            before = texts
        return found

    def problems(self, asked: int) -> list[str]:
        """Also: each new serial is for another record. The first version has none of the soak's."""
        versions = list(self._versions())
        same = sum(one == next_one for one, next_one in pairwise(versions))
        said = [f"{self}: {same} times only the serial was raised"] if same else []
        return super().problems(asked) + said


@dataclass
class ServedRecords(Place):
    """A zone at a name server that takes dynamic updates, which raises the serial at each of them."""

    server: Server
    key: TsigKey
    first_serial: int = 0

    def _transferred(self) -> dns.zone.Zone:
        messages = dns.query.xfr(
            self.server.address,
            f"{self.domain}.",
            port=self.server.port,
            keyring=signer(self.key),
            relativize=True,
            lifetime=30,
        )
        return dns.zone.from_xfr(messages, relativize=True)

    @property
    def serial(self) -> int:
        return int(self._transferred().get_soa().serial)

    def first(self) -> dict[str, State]:
        return {"@": "v=spf1 mx -all"}

    def now(self) -> dict[str, State]:
        return texts_of(self._transferred())

    @property
    def updates(self) -> int:
        return self.serial - self.first_serial

    def problems(self, asked: int) -> list[str]:
        return [f"{self}: {self.updates} updates for {asked} changes"] if self.updates > asked else []


@dataclass
class Unikernels(Place):
    """An organization's part of a host. `did`: what its daemon did, by full name, in its order."""

    share: HostShare
    image: int
    host: AlbatrossHost
    did: list[tuple[Name, State]] = field(repr=False)

    def _label(self, name: Name) -> str | None:
        return name.label if name.path == self.share.labels else None

    def now(self) -> dict[str, State]:
        running = self.host.daemon.unikernels.items()
        return {label: as_state(one.config.settings) for name, one in running if (label := self._label(name))}

    def made(self) -> dict[str, list[State]]:
        found: dict[str, list[State]] = {}
        for name, state in self.did:
            if label := self._label(name):
                found.setdefault(label, []).append(state)
        return found


def as_state(settings: Settings) -> State:
    """What clients of a soak choose: megabytes, and how often it ticks."""
    return [settings.memory, *(each.decode() for each in settings.arguments)]


def watched(host: AlbatrossHost) -> list[tuple[Name, State]]:
    """From now on, all starts and ends that the daemon did."""
    did: list[tuple[Name, State]] = []
    answer = host.daemon.answer

    async def noting(name: Name, command: commands.Command) -> Any:
        outcome = await answer(name, command)
        if isinstance(command, commands.Create):
            did.append((name, as_state(command.config.settings)))
        elif isinstance(command, commands.Destroy):
            did.append((name, None))
        return outcome

    host.daemon.answer = noting  # type: ignore[method-assign]
    return did


def all_asked(place: Place, ledgers: list[Mapping[str, list[State]]]) -> dict[str, list[State]]:
    """Everything that was asked for at a place, by name, in its order; each name is one client's."""
    found = {name: [state] for name, state in place.first().items()}
    for each in ledgers:
        found |= {name: list(states) for name, states in each.items()}
    return found
