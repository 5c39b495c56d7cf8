"""Intent → rules. What contradicts itself is refused, with the names of both sides.

How mail between two stacks of one host travels, and why the rules are what they are: the relay connects to
the other's public address; DNAT turns that to the receiver, FORWARD lets through what DNAT turned, and SNAT
gives it the relay's own public address, since the receiver checks SPF against what it sees. SNAT therefore
stands before MASQUERADE, and names no interface. Nothing else passes from bridge to bridge.

Where bridged packets go through iptables too (`net.bridge.bridge-nf-call-iptables`), neighbours on one
bridge are let through and keep their addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from tenants.formats.firewall.intent import Bridge, Intent, Publish, SendFrom
from tenants.formats.firewall.rules import (
    LONGEST_NOTE,
    Chain,
    Network,
    Rule,
    State,
    Target,
    check_rule,
    endpoint,
)
from tenants.formats.text import FormatError

_MAIL_PORTS = frozenset({25, 465})
MOST_RULES = 20_000
_UNUSUAL = re.compile(r"[^A-Za-z0-9 ._:/@-]")


def derive(intent: Intent, family: int = 4) -> tuple[Rule, ...]:
    """Return all rules of one address family (4 or 6), chain by chain, in their order.

    IPv6 gets the rules between bridges, and those by hand: ptt's relay speaks IPv4 only. Raises FormatError.
    """
    check_intent(intent)
    by_hand = [rule for rule in intent.by_hand if rule.family in {None, family}]
    rules = [*_forward(intent, family), *_input(intent, family)]
    if family == 4:
        rules += [*_dnat(intent), *_snat(intent)]
    ordered = [rule for chain in Chain for rule in (*by_hand, *rules) if rule.chain is chain]
    if len(ordered) > MOST_RULES:
        raise FormatError("rules", f"There are more than {MOST_RULES} rules.", "Split the host.")
    return tuple(check_rule(rule) for rule in ordered)


def check_intent(intent: Intent) -> None:
    """Raise FormatError for what cannot be true at once."""
    _check_bridges(intent.bridges)
    _check_published(intent)
    _check_senders(intent)
    check_overlaps(intent)
    for each in intent.standby:
        _bridge_of(intent, each.target, field="target")
    for source in (*(each.source for each in intent.outward), *(each.source for each in intent.git)):
        _bridge_of(intent, source, field="source")
    names = {bridge.name for bridge in intent.bridges}
    for reach in intent.reaches:
        if reach.bridge not in names:
            raise FormatError("bridge", f"{reach.bridge} is no bridge of this host.", "Add it first.")
        _bridge_of(intent, reach.target, field="target")


def _check_bridges(bridges: Iterable[Bridge]) -> None:
    seen: list[Bridge] = []
    for bridge in bridges:
        for other in seen:
            if bridge.name == other.name:
                raise FormatError(
                    "bridge", f"{bridge.owner} and {other.owner} both have {bridge.name}.", "Use two bridges."
                )
            if bridge.subnet.overlaps(other.subnet):
                raise FormatError(
                    "subnet",
                    f"{bridge.subnet} of {bridge.owner} overlaps {other.subnet} of {other.owner}.",
                    "Give each bridge a subnet of its own.",
                )
        if bridge.gateway not in bridge.subnet:
            raise FormatError("gateway", f"{bridge.gateway} is not in {bridge.subnet}.", "Use one inside.")
        seen.append(bridge)


def _check_published(intent: Intent) -> None:
    taken: dict[tuple[IPv4Address, str, int], Publish] = {}
    for each in intent.published:
        _bridge_of(intent, each.target, field="target")
        other = taken.setdefault((each.public, each.protocol, each.port), each)
        if other is not each:
            raise FormatError(
                "public",
                f"{other.owner} and {each.owner} both want {each.protocol}/{each.port} of {each.public}.",
                "Give one of them another public address.",
            )
        if any(each.public in bridge.subnet for bridge in intent.bridges):
            raise FormatError(
                "public", f"{each.public} is a private address of a bridge.", "Use a public one."
            )


def check_overlaps(intent: Intent) -> None:
    """Raise FormatError where two forwarded ports meet, unless the earlier one is the narrower: else it would
    be chance, or never, that the later one counts."""
    seen: dict[tuple[str, int, int | None], list[Rule]] = {}
    published = [
        Rule(
            Chain.DNAT,
            Target.DNAT,
            destination=_one(each.public),
            protocol=each.protocol,
            port=each.port,
            note=_note(each.owner, each.what),
        )
        for each in intent.published
    ]
    for rule in (*(each for each in intent.by_hand if each.target is Target.DNAT), *published):
        earlier = seen.setdefault((rule.protocol, rule.port, rule.family), [])
        for other in earlier:
            if _meet(other, rule) and not _narrower(other, rule):
                raise FormatError(
                    "port",
                    f"{_told(other)} and {_told(rule)} both take {rule.protocol}/{rule.port} of "
                    f"{_narrow_end(other, rule)}.",
                    "Use another address or port, or put one with a narrower source before it.",
                )
        earlier.append(rule)


def _ends(one: Rule, other: Rule) -> Iterator[tuple[Network | None, Network | None]]:
    yield one.source, other.source
    yield one.destination, other.destination


def _covers(wide: Network | None, narrow: Network | None) -> bool:
    return wide is None or (
        narrow is not None
        and wide.version == narrow.version
        and wide.prefixlen <= narrow.prefixlen
        and wide.overlaps(narrow)
    )


def _meet(one: Rule, other: Rule) -> bool:
    return all(_covers(a, b) or _covers(b, a) for a, b in _ends(one, other))


def _narrower(one: Rule, other: Rule) -> bool:
    """Whether all that `one` takes would go to `other`, and not the other way round."""
    pairs = list(_ends(one, other))
    return all(_covers(b, a) for a, b in pairs) and not all(_covers(a, b) for a, b in pairs)


def _narrow_end(one: Rule, other: Rule) -> Network | None:
    a, b = one.destination, other.destination
    return b if _covers(a, b) else a


def _told(rule: Rule) -> str:
    return f"“{rule.note}”" if rule.note else f"The rule to {rule.to}"


def _check_senders(intent: Intent) -> None:
    known: dict[IPv4Address, SendFrom] = {}
    for each in intent.senders:
        _bridge_of(intent, each.source, field="source")
        other = known.setdefault(each.source, each)
        if other.public != each.public:
            raise FormatError(
                "source", f"{each.source} would send from {other.public} and {each.public}.", "Choose one."
            )
    users = [(each.public, each.owner) for each in intent.senders]
    users += [(each.public, each.owner) for each in intent.published if each.port in _MAIL_PORTS]
    first: dict[IPv4Address, str] = {}
    for public, owner in users:
        if first.setdefault(public, owner) != owner:
            raise _one_domain(public, first[public], owner)


def _one_domain(public: IPv4Address, one: str, other: str) -> FormatError:
    return FormatError(
        "public",
        f"{one} and {other} both use {public} for mail. ptt serves one domain at ports 25 and 465, and "
        "receivers judge a domain by the address that its mail comes from.",
        "Give each domain a public address of its own.",
    )


def _bridge_of(intent: Intent, address: IPv4Address, *, field: str) -> Bridge:
    for bridge in intent.bridges:
        if address in bridge.subnet and address != bridge.gateway:
            return bridge
    raise FormatError(field, f"{address} is on none of this host's bridges.", "Use a unikernel's address.")


def _note(owner: str, what: str) -> str:
    """`example.org: receiver`; a long name is cut, and what iptables would quote is left out."""
    plain = _UNUSUAL.sub("_", owner)[: LONGEST_NOTE - len(what) - 2].strip()
    return f"{plain}: {what}"


def _one(address: IPv4Address) -> IPv4Network:
    return IPv4Network(address)


def _forward(intent: Intent, family: int) -> Iterator[Rule]:
    chain = Chain.FORWARD
    if not intent.bridges:
        return
    yield Rule(chain, Target.ACCEPT, state=State.ESTABLISHED, note="answers")
    for bridge in intent.bridges:
        yield Rule(
            chain,
            Target.ACCEPT,
            from_interface=bridge.name,
            to_interface=bridge.name,
            note=_note(bridge.owner, "neighbours"),
        )
    if family == 4:
        yield from _forward_named(intent)
    for bridge in intent.bridges:
        yield Rule(
            chain, Target.DROP, to_interface=bridge.name, note=_note(bridge.owner, "nothing else comes in")
        )
    if family == 4:
        yield from _outward(intent)
    for bridge in intent.bridges:
        verdict = Target.ACCEPT if bridge.outward else Target.DROP
        what = "may speak to the Internet" if bridge.outward else "nothing else goes out"
        yield Rule(chain, verdict, from_interface=bridge.name, note=_note(bridge.owner, what))


def _forward_named(intent: Intent) -> Iterator[Rule]:
    for each in dict.fromkeys((*intent.standby, *intent.published)):
        yield Rule(
            Chain.FORWARD,
            Target.ACCEPT,
            destination=_one(each.target),
            to_interface=_bridge_of(intent, each.target, field="target").name,
            protocol=each.protocol,
            port=each.target_port,
            state=State.FORWARDED,
            note=_note(each.owner, each.what),
        )
    for reach in intent.reaches:
        yield Rule(
            Chain.FORWARD,
            Target.ACCEPT,
            destination=_one(reach.target),
            from_interface=reach.bridge,
            protocol=reach.protocol,
            port=reach.port,
            state=State.NOT_FORWARDED,
            note=_note(reach.owner, reach.what),
        )


def _outward(intent: Intent) -> Iterator[Rule]:
    """Behind what keeps bridges apart: so this is the Internet only."""
    for out in intent.outward:
        bridge = _bridge_of(intent, out.source, field="source")
        if not bridge.outward:
            yield Rule(
                Chain.FORWARD,
                Target.ACCEPT,
                source=_one(out.source),
                from_interface=bridge.name,
                protocol=out.protocol,
                port=out.port,
                note=_note(out.owner, out.what),
            )


def _input(intent: Intent, family: int) -> Iterator[Rule]:
    """To the host itself: answers, pings, git, and nothing else."""
    chain = Chain.INPUT
    ping = "icmp" if family == 4 else "ipv6-icmp"
    for bridge in intent.bridges:
        came = bridge.name
        yield Rule(chain, Target.ACCEPT, from_interface=came, state=State.ESTABLISHED, note="answers")
        yield Rule(chain, Target.ACCEPT, from_interface=came, protocol=ping, note="pings")
    for git in intent.git if family == 4 else ():
        bridge = _bridge_of(intent, git.source, field="source")
        yield Rule(
            chain,
            Target.ACCEPT,
            source=_one(git.source),
            destination=_one(bridge.gateway),
            from_interface=bridge.name,
            protocol="tcp",
            port=git.port,
            note=_note(git.owner, git.what),
        )
    for bridge in intent.bridges:
        note = _note(bridge.owner, "nothing else of the host")
        yield Rule(chain, Target.DROP, from_interface=bridge.name, note=note)


def _dnat(intent: Intent) -> Iterator[Rule]:
    for each in intent.published:
        yield Rule(
            Chain.DNAT,
            Target.DNAT,
            destination=_one(each.public),
            protocol=each.protocol,
            port=each.port,
            to=endpoint(each.target, each.target_port),
            note=_note(each.owner, each.what),
        )


def _snat(intent: Intent) -> Iterator[Rule]:
    chain = Chain.SNAT
    for each in intent.senders:
        yield Rule(
            chain,
            Target.SNAT,
            source=_one(each.source),
            protocol="tcp",
            port=25,
            to=str(each.public),
            note=_note(each.owner, "relay"),
        )
    subnets = {bridge.name: bridge.subnet for bridge in intent.bridges}
    for bridge in intent.bridges:
        yield Rule(
            chain,
            Target.ACCEPT,
            source=bridge.subnet,
            destination=bridge.subnet,
            state=State.NOT_FORWARDED,
            note=_note(bridge.owner, "neighbours keep their addresses"),
        )
    for reach in intent.reaches:
        yield Rule(
            chain,
            Target.ACCEPT,
            source=subnets[reach.bridge],
            destination=_one(reach.target),
            protocol=reach.protocol,
            port=reach.port,
            state=State.NOT_FORWARDED,
            note=_note(reach.owner, reach.what),
        )
    for bridge in intent.bridges:
        yield Rule(
            chain, Target.MASQUERADE, source=bridge.subnet, note=_note(bridge.owner, "to the Internet")
        )
