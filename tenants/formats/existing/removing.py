"""The shell lines that take foreign rules out, once Rookery's own do the same."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network

from tenants.formats.existing.picture import Led, Picture
from tenants.formats.existing.seen import SeenRules

_WORD = re.compile(r'(!)|"((?:[^"\\]|\\.)*)"|(\S+)')
_CUT = "…"


def removal_lines(picture: Picture, rules: SeenRules, labels: Collection[str]) -> tuple[str, ...]:
    """Lines for root's shell, for the rules about these unikernels. What serves others, too, stays.

    A chain that is left without rules goes with its jumps. Whatever stands in a rule is quoted.
    """
    going = [each for each in picture.led if each.counts and _is_theirs(each, picture, labels)]
    gone = {(each.rule.table, each.rule.chain, each.rule.text) for each in going}
    lines = [
        line
        for each in going
        for line in [_delete(rules.program, each.rule.table, each.rule.chain, each.rule.text)]
        if line
    ]
    for chain in rules.chains:
        left = [text for text in chain.rules if (chain.table, chain.name, text) not in gone]
        if chain.rules and not left:
            jumps = [jump.partition(" ") for jump in chain.jumps]
            found = [_delete(rules.program, chain.table, name, text) for name, _, text in jumps]
            name = shlex.quote(chain.name)
            lines += [*filter(None, found), f"{rules.program} -t {chain.table} -X {name}"] if found else []
    return tuple(lines)


def _is_theirs(each: Led, picture: Picture, labels: Collection[str]) -> bool:
    rule = each.rule
    if rule.action in {"DNAT", "SNAT"} or (rule.action == "MASQUERADE" and each.part):
        return each.part in labels
    if rule.action != "MASQUERADE" or not rule.source:
        return False
    inside = set(_inside(picture, rule.source))
    return bool(inside) and inside <= set(labels)


def _inside(picture: Picture, source: str) -> Iterator[str]:
    """Who has an address in this network."""
    for part in picture.parts:
        try:
            inside = IPv4Address(part.seen.address) in IPv4Network(source, strict=False)
        except ValueError:
            continue
        if inside:
            yield part.seen.label


def _delete(program: str, table: str, chain: str, text: str) -> str:
    """Empty for a rule of which only a part was kept."""
    if text.endswith(_CUT):
        return ""
    words = [alone or re.sub(r"\\(.)", r"\1", quoted) or bare for alone, quoted, bare in _WORD.findall(text)]
    return shlex.join([program, "-t", table, "-D", chain, *words])
