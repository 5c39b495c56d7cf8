"""The foreign rules of a host, out of `iptables-save`, followed from built-in chains to where packets go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tenants.formats.existing.seen import MOST_RULES, SeenChain, SeenRule, SeenRules
from tenants.formats.firewall.rules import PREFIX
from tenants.formats.firewall.saved import MOST_TEXT
from tenants.formats.text import printable

_HOOKS = {"nat": ("PREROUTING", "OUTPUT", "POSTROUTING"), "filter": ("INPUT", "FORWARD")}
_DEEPEST, _MOST_STEPS, _LONGEST, _MOST_CHAINS = 8, 20_000, 300, 60
_CHAIN = re.compile(r":(\S{1,64}) (\S+)")
_APPENDED = re.compile(r"(?:\[\d+:\d+\] )?-A (\S{1,64}) (.*)")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_ENDS = frozenset({"DNAT", "SNAT", "MASQUERADE", "REDIRECT", "ACCEPT", "DROP", "REJECT", "RETURN"})
_VALUES = {
    "-s": "source",
    "-d": "destination",
    "-i": "from_interface",
    "-o": "to_interface",
    "-p": "protocol",
}
_MATCHES = frozenset({"tcp", "udp", "addrtype", "conntrack", "state", "comment"})
_WITHOUT_MEANING = frozenset({"--comment", "--reject-with"})
_LOOSE = frozenset({"--random", "--random-fully", "--persistent"})


@dataclass(frozen=True)
class _Line:
    """A rule that was read: its conditions, and where it sends (an end, or another chain)."""

    text: str
    rule: SeenRule
    jump: str


@dataclass
class _Table:
    lines: dict[str, list[_Line]] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)


def read_rules(text: str, program: str = "iptables") -> SeenRules:
    """Read the output of `iptables-save`, counters or not. What is none of it is left out; nothing is raised.

    Rookery's own chains are not followed: they are known anyway.
    """
    tables = _tables(text[:MOST_TEXT])
    found: list[SeenRule] = []
    for table, hooks in _HOOKS.items():
        walker = _Walker(tables.get(table, _Table()).lines)
        for hook in hooks:
            found += walker.from_hook(table, hook)
    kept = [each for each in found if each.action != "RETURN"]
    filters = tables.get("filter", _Table())
    return SeenRules(
        rules=tuple(kept[:MOST_RULES]),
        chains=tuple(_chains(tables))[:_MOST_CHAINS],
        policies={hook: filters.policies[hook] for hook in _HOOKS["filter"] if hook in filters.policies},
        program=program,
        left_out=max(len(kept) - MOST_RULES, 0),
    )


def _tables(text: str) -> Mapping[str, _Table]:
    tables: dict[str, _Table] = {}
    here, name = _Table(), ""
    for line in text.split("\n"):
        if line.startswith("*"):
            name = line[1:].strip()
            here = tables.setdefault(name, _Table()) if name in _HOOKS else _Table()
        elif found := _CHAIN.match(line):
            here.lines.setdefault(found[1], [])
            if found[2] != "-":
                here.policies[found[1]] = printable(found[2], 20)
        elif found := _APPENDED.fullmatch(line.rstrip()):
            here.lines.setdefault(found[1], []).append(_line(name, found[1], found[2]))
    return tables


def _line(table: str, chain: str, text: str) -> _Line:
    rule = SeenRule(table, "", printable(chain, 64), printable(text, _LONGEST), "")
    jump, odd = "", []
    words = iter([quoted or bare for quoted, bare in _WORD.findall(text[:4000])])
    for first in words:
        negated = first == "!"
        word = next(words, "") if negated else first
        if word in {"-j", "-g"}:
            jump = next(words, "")
            continue
        value = "" if word in _LOOSE else next(words, "")
        changed = _condition(rule, word, value, negated=negated)
        if changed is None:
            odd.append(printable(f"{'! ' if negated else ''}{word} {value}".strip(), 80))
        else:
            rule = changed
    return _Line(text, replace(rule, odd=tuple(odd[:5])), jump)


def _condition(rule: SeenRule, word: str, value: str, *, negated: bool) -> SeenRule | None:
    """The rule with this condition; None when nobody here understands it."""
    value = printable(value, 60)
    changed: dict[str, Any] | None = None
    if word in _WITHOUT_MEANING or word in _LOOSE or (word == "-m" and value in _MATCHES):
        changed = {}
    elif negated:
        changed = {"besides": value} if word == "-s" and not rule.besides else None
    elif word in _VALUES:
        changed = {_VALUES[word]: value}
    elif word == "--dport" and value.isdecimal():
        changed = {"port": int(value[:6])}
    elif word == "--dst-type" and value == "LOCAL":
        changed = {"local": True}
    elif word in {"--ctstate", "--state"} and set(value.split(",")) <= {"RELATED", "ESTABLISHED"}:
        changed = {"answers": True}
    elif word in {"--to-destination", "--to-source", "--to-ports"}:
        changed = _to(word, value)
    return None if changed is None else replace(rule, **changed)


def _to(word: str, value: str) -> dict[str, Any] | None:
    address, _, port = value.partition(":") if word != "--to-ports" else ("", "", value)
    return {"to": address, "to_port": int((port or "0")[:6])} if (port or "0").isdecimal() else None


class _Walker:
    def __init__(self, chains: Mapping[str, list[_Line]]) -> None:
        self.chains, self.steps = chains, 0

    def from_hook(self, table: str, hook: str) -> Iterator[SeenRule]:
        yield from self._follow(hook, SeenRule(table, hook, "", "", ""), ())

    def _follow(self, chain: str, before: SeenRule, way: tuple[str, ...]) -> Iterator[SeenRule]:
        for line in self.chains.get(chain, ()):
            self.steps += 1
            if self.steps > _MOST_STEPS:
                return
            if not line.jump or line.jump.startswith(PREFIX) or chain.startswith(PREFIX):
                continue
            rule = _both(before, line.rule)
            if line.jump in self.chains and line.jump not in (*way, chain) and len(way) < _DEEPEST:
                yield from self._follow(line.jump, rule, (*way, chain))
                continue
            known = line.jump in _ENDS
            odd = rule.odd if known else (*rule.odd, f"-j {printable(line.jump, 40)}")
            if known or line.jump not in self.chains:
                yield replace(rule, action=line.jump if known else "", odd=odd)


def _both(before: SeenRule, rule: SeenRule) -> SeenRule:
    """The conditions of the way and of the rule itself."""
    names = ("protocol", "source", "besides", "destination", "from_interface", "to_interface", "port")
    merged = {name: getattr(rule, name) or getattr(before, name) for name in names}
    apart = [
        f"{name} {getattr(before, name)}"
        for name in names
        if getattr(rule, name) and getattr(before, name) and getattr(rule, name) != getattr(before, name)
    ]
    return replace(
        rule,
        hook=before.hook,
        **merged,
        local=rule.local or before.local,
        answers=rule.answers or before.answers,
        odd=(*before.odd, *rule.odd, *apart)[:8],
    )


def _chains(tables: Mapping[str, _Table]) -> Iterator[SeenChain]:
    for table, hooks in _HOOKS.items():
        found = tables.get(table)
        if found is None:
            continue
        for name, lines in found.lines.items():
            if name in found.policies or name in hooks or name.startswith(PREFIX):
                continue
            jumps = [
                f"{chain} {line.text}"
                for chain, others in found.lines.items()
                for line in others
                if line.jump == name
            ]
            yield SeenChain(
                table,
                printable(name, 64),
                tuple(printable(each, _LONGEST) for each in jumps[:5]),
                tuple(printable(line.text, _LONGEST) for line in lines[:50]),
            )
