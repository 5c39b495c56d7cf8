"""What the foreign rules of the host mean: whom the Internet reaches, and how mail leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network

from tenants.formats.existing.picture import Led, Notice, Picture, Seen, Weight, sure
from tenants.formats.existing.seen import SeenRule
from tenants.formats.roles.catalogue import ROLES

RULES = "rules"
_PUBLIC = {
    name: [(port.number, protocol) for port in role.ports if port.public for protocol in port.protocols]
    for name, role in ROLES.items()
}
_TAKE_ANYTHING = frozenset({"verifier", "relay", "signer", "spamfilter"})


def about_the_rules(seen: Seen, picture: Picture) -> Iterator[Notice]:
    """All that can be said of rules."""
    for look in _LOOKS:
        yield from look(seen, picture)


def _forwards(picture: Picture) -> list[Led]:
    return [each for each in picture.led if each.counts and each.rule.action == "DNAT"]


def _reaches(rule: SeenRule, port: int, protocol: str) -> bool:
    return rule.port == port and rule.protocol in {"", protocol} and rule.hook == "PREROUTING"


def _open_relay(seen: Seen, picture: Picture) -> Iterator[Notice]:
    """ptt of 2022 to 2024 takes any recipient at its receiver, and its relay delivers to anybody."""
    for each in _forwards(picture):
        part = next((part for part in picture.parts if part.seen.label == each.part), None)
        if part is None or not any(_reaches(rule, 25, "tcp") for rule in each.rules):
            continue
        if part.guess.role in _TAKE_ANYTHING and not each.rule.source:
            yield Notice(
                "open-relay",
                Weight.DANGER,
                part.seen.label,
                f"Port 25 of the Internet leads to {part.seen.label}, a {part.title}: it takes mail for any "
                "recipient and the relay delivers it. Whoever finds it can send spam from here.",
                "Decide about it on the page of the stack, or put a guard in front that knows the domain's "
                "addresses.",
            )


def _ports(seen: Seen, picture: Picture) -> Iterator[Notice]:
    """Ports that the Internet should reach."""
    if seen.rules is None:
        return
    forwards = _forwards(picture)
    for part in picture.parts:
        if not sure(part) or not picture.serves(part):
            continue
        for port, protocol in _PUBLIC.get(part.guess.role, ()):
            if not any(
                each.part == part.seen.label and any(_reaches(rule, port, protocol) for rule in each.rules)
                for each in forwards
            ):
                yield Notice(
                    "port-closed",
                    Weight.MISSING,
                    part.seen.label,
                    f"No rule leads {protocol} port {port} to {part.seen.label}: the Internet does not reach "
                    "it.",
                    "The stack's own rules open it; a conventional firewall in front may do so as well.",
                )


def _dangling(seen: Seen, picture: Picture) -> Iterator[Notice]:
    if seen.host is None:
        return
    inside = [IPv4Network(each.subnet, strict=False) for each in seen.bridges]
    for each in _forwards(picture):
        if each.part or not _is_inside(each.rule.to, inside):
            continue
        yield Notice(
            "leads-to-nobody",
            Weight.CONTRADICTION,
            RULES,
            each.sentence,
            "It was perhaps left by an earlier unikernel. Take it out by hand.",
        )


def _is_inside(address: str, networks: list[IPv4Network]) -> bool:
    try:
        place = IPv4Address(address)
    except ValueError:
        return False
    return any(place in each for each in networks) if networks else place.is_private


def _outgoing(seen: Seen, picture: Picture) -> Iterator[Notice]:
    """How mail leaves: by the address that SPF and PTR name, or by any."""
    relay = picture.part_of("relay")
    if seen.rules is None or relay is None or not relay.seen.address:
        return
    ways = [
        each
        for each in picture.led
        if each.counts and each.rule.hook == "POSTROUTING" and _covers(each.rule, relay.seen.address)
    ]
    own = [each for each in ways if each.rule.action == "SNAT"]
    if not ways:
        yield Notice(
            "no-way-out",
            Weight.MISSING,
            relay.seen.label,
            f"No rule gives {relay.seen.label} a public address: its mail does not leave the host.",
            "Make the stack: it brings the rule. Until then masquerade its network.",
        )
    elif not own:
        yield Notice(
            "no-own-sender",
            Weight.MISSING,
            relay.seen.label,
            f"Mail of {relay.seen.label} leaves by masquerading, from whatever address the host uses first; "
            "and to a receiver on this very host it seems to come from the bridge, so SPF fails there.",
            "The stack brings a rule that sends it from the domain's own public address.",
        )
    elif picture.public and own[0].rule.to not in {"", picture.public}:
        yield Notice(
            "another-sender",
            Weight.CONTRADICTION,
            relay.seen.label,
            f"Mail of {relay.seen.label} leaves from {own[0].rule.to}, but the domain's address is "
            f"{picture.public}.",
            "Receivers judge it by SPF and PTR: make both name the address that mail leaves from.",
        )


def _covers(rule: SeenRule, address: str) -> bool:
    if rule.port not in {0, 25} or rule.protocol not in {"", "tcp"}:
        return False
    if not rule.source:
        return True
    try:
        return IPv4Address(address) in IPv4Network(rule.source, strict=False)
    except ValueError:
        return False


def _filtered(seen: Seen, picture: Picture) -> Iterator[Notice]:
    """A host whose FORWARD drops what nobody lets through, as Docker makes it."""
    if seen.rules is None or seen.rules.policies.get("FORWARD") != "DROP" or not picture.parts:
        return
    bridges = {name for part in picture.parts for name in part.seen.bridges}
    through = [
        each.rule
        for each in picture.led
        if each.counts
        and (each.rule.hook, each.rule.action, each.rule.answers) == ("FORWARD", "ACCEPT", False)
    ]
    accepted = {name for rule in through for name in (rule.from_interface, rule.to_interface)}
    for name in sorted(bridges - accepted):
        yield Notice(
            "forward-drops",
            Weight.DANGER,
            RULES,
            f"FORWARD drops what no rule lets through (Docker does that), and none speaks of the bridge "
            f"{name}.",
            "The stack's own rules let its traffic through; until then it may be cut off.",
        )


def _odd(seen: Seen, picture: Picture) -> Iterator[Notice]:
    odd = [each for each in picture.led if not each.counts]
    left = seen.rules.left_out if seen.rules is not None else 0
    if odd or left:
        shown = f"; the first: -A {odd[0].rule.chain} {odd[0].rule.text}" if odd else ""
        yield Notice(
            "odd-rules",
            Weight.UNKNOWN,
            RULES,
            f"{len(odd) + left} rules there are none that Rookery understands{shown}.",
            "They are left as they are. Make sure that none of them takes what is for the unikernels.",
        )


def _also_the_bridge(seen: Seen, picture: Picture) -> Iterator[Notice]:
    """`--dst-type LOCAL` is every address of the host, also the one on the bridge."""
    rules = [each.rule for each in _forwards(picture)]
    local = sorted({rule.port for rule in rules if rule.local and not rule.destination})
    if local:
        ports = ", ".join(map(str, local))
        yield Notice(
            "every-address",
            Weight.NOTE,
            RULES,
            f"Ports {ports} are taken at every address of the host, also at its address on the bridge: a "
            "second domain cannot have them, and nothing on the host itself is reached there.",
            "The stack's own rules name the domain's public address.",
        )


def _not_kept(seen: Seen, picture: Picture) -> Iterator[Notice]:
    if _forwards(picture):
        yield Notice(
            "kept-by-nobody",
            Weight.NOTE,
            RULES,
            "Rules that were typed are gone after the next start of the host, unless something keeps them.",
            "Rookery's own rules come back by themselves.",
        )


_LOOKS: tuple[Callable[[Seen, Picture], Iterator[Notice]], ...] = (
    *(_open_relay, _ports, _dangling, _outgoing, _filtered, _odd, _also_the_bridge, _not_kept),
)
