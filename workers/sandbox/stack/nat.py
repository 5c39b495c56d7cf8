"""What the applied firewall rules of the sandbox's host say of addresses. Pure but for `read_nat`.

Only Rookery's own chains count, as far as the built-in ones jump to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from tenants.formats.firewall.rules import Chain, Network, Rule, Target, read_rule

__all__ = ["NO_RULES", "Door", "Nat", "nat_of", "read_nat"]

Door = tuple[str, str, int]
"""A forwarded port: public address, protocol and number."""


@dataclass(frozen=True)
class Nat:
    """Rules in their order, the first that fits decides."""

    forwards: tuple[Rule, ...] = ()
    sources: tuple[Rule, ...] = ()

    @property
    def publics(self) -> frozenset[str]:
        """The addresses of which a port is forwarded, or from which somebody's connections leave."""
        shown = {public for public, _, _ in self.doors}
        return frozenset(shown | {each.to for each in self.sources if each.target is Target.SNAT})

    @property
    def doors(self) -> frozenset[tuple[str, str, int]]:
        """Address, protocol and port of each forwarded port."""
        return frozenset(
            (str(each.destination.network_address), each.protocol, each.port)
            for each in self.forwards
            if each.target is Target.DNAT
            and each.port
            and isinstance(each.destination, IPv4Network)
            and each.destination.prefixlen == 32
        )

    def target(self, public: str, protocol: str, port: int, source: str) -> tuple[str, int] | None:
        """Where a new connection goes that comes to a public port; None: nowhere."""
        rule = _first(self.forwards, source, public, protocol, port)
        if rule is None or rule.target is not Target.DNAT:
            return None
        host, _, found = rule.to.partition(":")
        return host, int(found or port)

    def leaves_as(self, source: str, destination: str, port: int) -> str | None:
        """The address from which a unikernel's connection is seen; None: the host's own (MASQUERADE)."""
        rule = _first(self.sources, source, destination, "tcp", port)
        return rule.to if rule is not None and rule.target is Target.SNAT else None


NO_RULES = Nat()


def nat_of(tables: Mapping[str, Mapping[str, Iterable[str]]]) -> Nat:
    """Read the tables of the stand-in for iptables: rules by chain by table."""
    nat = tables.get("nat", {})
    return Nat(tuple(_rules(nat, Chain.DNAT, "PREROUTING")), tuple(_rules(nat, Chain.SNAT, "POSTROUTING")))


def read_nat(store: Path) -> Nat:
    """Read the stand-in's file; without one, or with a broken one, there are no rules."""
    try:
        return nat_of(json.loads(store.read_text("utf-8")))
    except (OSError, ValueError, AttributeError, TypeError):
        return NO_RULES


def _rules(table: Mapping[str, Iterable[str]], chain: Chain, hook: str) -> Iterator[Rule]:
    if f"-j {chain.label}" not in table.get(hook, ()):
        return
    for text in table.get(chain.label, ()):
        rule = read_rule(chain, text)
        if rule is not None:
            yield rule


def _first(rules: Iterable[Rule], source: str, destination: str, protocol: str, port: int) -> Rule | None:
    for rule in rules:
        fits = _covers(rule.source, source) and _covers(rule.destination, destination)
        if fits and rule.protocol in {"", protocol} and rule.port in {0, port}:
            return rule
    return None


def _covers(network: Network | None, address: str) -> bool:
    return network is None or (isinstance(network, IPv4Network) and IPv4Address(address) in network)
