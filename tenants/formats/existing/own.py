"""Which of a host's rules concern one organization: those about its own networks and public addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Network

from tenants.formats.existing.seen import SeenRule, SeenRules

_FOR_ALL = frozenset({"POSTROUTING", "FORWARD"})


def own_rules(seen: SeenRules, subnets: Iterable[str], publics: Iterable[str]) -> SeenRules:
    """Leave out what is about others. Rules that name no address at all stay where everybody's packets pass;
    chains keep the lines that are shown anyway."""
    mine = [IPv4Network(each, strict=False) for each in (*subnets, *publics)]
    kept = tuple(each for each in seen.rules if _is_own(each, mine))
    shown = {(each.table, each.chain, each.text) for each in kept}
    chains = []
    for chain in seen.chains:
        lines = tuple(line for line in chain.rules if (chain.table, chain.name, line) in shown)
        if lines:
            jumps = chain.jumps if len(lines) == len(chain.rules) else ()
            chains.append(replace(chain, rules=lines, jumps=jumps))
    return replace(seen, rules=kept, chains=tuple(chains), left_out=0)


def _is_own(rule: SeenRule, mine: Iterable[IPv4Network]) -> bool:
    """About an address of ours, and about none of others in its target."""
    named = [each for each in (rule.to, rule.source, rule.destination, rule.besides) if each]
    if not named:
        return rule.hook in _FOR_ALL and rule.action not in {"DNAT", "REDIRECT"}
    if rule.to and not _inside(rule.to, mine):
        return False
    return any(_inside(each, mine) for each in named)


def _inside(address: str, mine: Iterable[IPv4Network]) -> bool:
    try:
        place = IPv4Network(address, strict=False)
    except ValueError:
        return False
    return any(place.subnet_of(each) for each in mine)
