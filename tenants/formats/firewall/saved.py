"""What `iptables-save` says: our chains, how built-in chains jump to them, counters, and a hash of it all.

The text is of one family, table by table: `iptables-save -t filter; iptables-save -t nat`, with `-c` for
counters. Foreign rules are looked at only to see whether one of them comes before a jump to us.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tenants.formats.firewall.rules import CHAINS, PREFIX, Chain, read_rule
from tenants.formats.text import FormatError, printable

MOST_TEXT = 8 << 20
"""Characters of `iptables-save` that are read; 20,000 rules have some 3 million."""
_STRIPPED = "'/" + PREFIX + r"/{s/ \[[0-9]*:[0-9]*\]$//;p;}'"
_COUNTED = re.compile(r"\[(\d+):(\d+)\] ")
_COUNTERS = re.compile(r"^\[\d+:\d+\] | \[\d+:\d+\]$")
_CHAIN = re.compile(r":(\S{1,64}) (\S+)(?: \[\d+:\d+\])?")
_APPENDED = re.compile(r"-A (\S{1,64})(?: (.*))?")
_OWNER = re.compile(r"rookery ([A-Za-z0-9-]{1,40}) (\d{1,18})")
_DECIDES = re.compile(r"-j (ACCEPT|DROP|REJECT|RETURN|DNAT|SNAT|MASQUERADE|REDIRECT)\b")


@dataclass(frozen=True)
class Owner:
    """Which Rookery wrote the chains, and at which generation."""

    installation: str
    generation: int


@dataclass(frozen=True)
class Counter:
    """How much a rule matched."""

    packets: int
    bytes: int


@dataclass(frozen=True)
class Saved:
    """What is there. `chains` has our chains that exist, as (rules behind `-A CHAIN`).

    `hooks` counts the jumps of a built-in chain into one of ours; `late` are those behind a foreign rule
    that may decide before them. `strays` are lines with our prefix that we would never write.
    """

    chains: Mapping[Chain, tuple[str, ...]]
    hooks: Mapping[tuple[Chain, str], int]
    late: frozenset[tuple[Chain, str]]
    owner: Owner | None
    strays: tuple[str, ...]
    fingerprint: str
    counters: Mapping[Chain, tuple[Counter, ...]] = field(default_factory=dict)


def fingerprint(text: str) -> str:
    """SHA-256 of the lines with our prefix, without counters; as `hash_command` prints it."""
    lines = (_COUNTERS.sub("", line) for line in text.split("\n") if PREFIX in line)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode("utf-8", "replace")).hexdigest()


def hash_command(save: str = "iptables-save") -> str:
    """The shell command on the host that prints the fingerprint (and a dash)."""
    return f"({save} -t filter; {save} -t nat) | sed -n {_STRIPPED} | sha256sum"


def read_saved(text: str) -> Saved:
    """Read the output of `iptables-save`. Raises FormatError (field `rules`) for what is none."""
    if len(text) > MOST_TEXT:
        raise FormatError("rules", "The host has far too many rules.", "Look at iptables-save there.")
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            reader.line(line)
        except ValueError:
            raise FormatError(
                "rules",
                f"Line {number} is none of iptables-save: “{printable(line, 80)}”.",
                "See what iptables-save prints on the host.",
            ) from None
    if reader.table:
        raise FormatError("rules", "The rules are cut off: a table has no end.", "Try again.")
    return reader.result(fingerprint(text))


class _Reader:
    def __init__(self) -> None:
        self.table = ""
        self.chains: dict[Chain, list[str]] = {}
        self.counters: dict[Chain, list[Counter]] = {}
        self.hooks: dict[tuple[Chain, str], int] = {}
        self.late: set[tuple[Chain, str]] = set()
        self.decided: set[tuple[str, str]] = set()
        self.strays: list[str] = []

    def line(self, line: str) -> None:
        if not line.strip() or line.startswith("#"):
            return
        if line.startswith("*"):
            if self.table:
                raise ValueError("a table inside of another")
            self.table = line[1:].strip()
        elif not self.table:
            raise ValueError("a line outside of a table")
        elif line == "COMMIT":
            self.table = ""
        elif line.startswith(":"):
            self.chain(line)
        else:
            self.rule(line)

    def chain(self, line: str) -> None:
        found = _CHAIN.fullmatch(line.rstrip())
        if not found:
            raise ValueError("no chain")
        ours = self.ours(found[1])
        if ours:
            self.chains.setdefault(ours, [])
            self.counters.setdefault(ours, [])
        elif found[1].startswith(PREFIX):
            self.strays.append(line)

    def ours(self, name: str) -> Chain | None:
        chain = CHAINS.get(name)
        return chain if chain and chain.table == self.table else None

    def rule(self, line: str) -> None:
        counted = _COUNTED.match(line)
        bare = line[counted.end() :] if counted else line
        found = _APPENDED.fullmatch(bare.rstrip())
        if not found:
            raise ValueError("no rule")
        name, what = found[1], found[2] or ""
        chain = self.ours(name)
        if chain:
            self.chains.setdefault(chain, []).append(what)
            packets, size = (int(counted[1]), int(counted[2])) if counted else (0, 0)
            self.counters.setdefault(chain, []).append(Counter(packets, size))
        elif what.startswith(f"-j {PREFIX}") and (target := self.ours(what.removeprefix("-j "))):
            self.hook(target, name, bare)
        elif PREFIX in name or f"-j {PREFIX}" in what or f"-g {PREFIX}" in what:
            self.strays.append(bare)
        elif _DECIDES.search(what):
            self.decided.add((self.table, name))

    def hook(self, chain: Chain, builtin: str, line: str) -> None:
        if builtin not in chain.hooks:
            self.strays.append(line)
            return
        self.hooks[chain, builtin] = self.hooks.get((chain, builtin), 0) + 1
        if (self.table, builtin) in self.decided:
            self.late.add((chain, builtin))

    def result(self, digest: str) -> Saved:
        return Saved(
            chains={chain: tuple(rules) for chain, rules in self.chains.items()},
            hooks=self.hooks,
            late=frozenset(self.late),
            owner=_owner(self.chains.get(Chain.OWNER, [])),
            strays=tuple(self.strays),
            fingerprint=digest,
            counters={chain: tuple(each) for chain, each in self.counters.items()},
        )


def _owner(rules: list[str]) -> Owner | None:
    for text in rules:
        rule = read_rule(Chain.OWNER, text)
        found = _OWNER.fullmatch(rule.note) if rule else None
        if found:
            return Owner(found[1], int(found[2]))
    return None


NOTHING = Saved({}, {}, frozenset(), None, (), fingerprint(""))
"""A host without anything of ours."""
