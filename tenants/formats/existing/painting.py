"""From what was read to the picture of it: see `picture`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tenants.formats.existing.guess import Guess, guess_all, pointers
from tenants.formats.existing.letters import about_the_zone
from tenants.formats.existing.notices import about_the_host
from tenants.formats.existing.picture import (
    Hop,
    Led,
    Part,
    Picture,
    Seen,
    Weight,
    certificate_host_of,
    domain_of,
    spf_of,
)
from tenants.formats.existing.seen import SeenRule, SeenUnikernel
from tenants.formats.existing.ways import about_the_rules
from tenants.formats.roles.catalogue import ROLES


def paint(seen: Seen) -> Picture:
    """Explain everything that was read. Never raises for what it says."""
    parts = _parts(seen)
    led = tuple(_led(seen, parts))
    missing = _missing(seen, parts)
    public = public_of(seen, led)
    bare = Picture(seen.domain, tuple(_finished(seen, each, led) for each in parts), led, (), missing, public)
    notices = [*about_the_host(seen, bare), *about_the_rules(seen, bare), *about_the_zone(seen, bare)]
    weights = list(Weight)
    notices.sort(key=lambda each: weights.index(each.weight))
    return Picture(seen.domain, bare.parts, led, tuple(notices), missing, public)


def _parts(seen: Seen) -> list[Part]:
    unikernels = seen.host.unikernels if seen.host is not None else ()
    guesses = guess_all(unikernels, seen.images)
    by_address = {each.address: each.label for each in unikernels if each.address}
    return [
        Part(each, guesses[each.label], domain_of(each), tuple(_hops(each, guesses[each.label], by_address)))
        for each in unikernels
    ]


def _hops(seen: SeenUnikernel, guess: Guess, by_address: Mapping[str, str]) -> Iterator[Hop]:
    for option, address, expected in pointers(seen, guess.role):
        yield Hop(option, address, expected, by_address.get(address, ""))


def _missing(seen: Seen, parts: Iterable[Part]) -> tuple[str, ...]:
    if seen.host is None:
        return ()
    there = {each.guess.role for each in parts if each.domain in {"", seen.domain}}
    return tuple(name for name in ROLES if name not in there)


def public_of(seen: Seen, led: Iterable[Led]) -> str:
    """The address that the rules name, or the only one that Rookery knows, or the domain's A record."""
    named = {
        each.rule.destination.removesuffix("/32")
        for each in led
        if each.rule.action == "DNAT" and each.rule.destination and each.rule.port in {25, 465}
    }
    if len(named) == 1:
        return named.pop()
    if len(seen.publics) == 1:
        return seen.publics[0]
    records = seen.zone.texts(seen.domain, "A") if seen.zone is not None else ()
    fitting = [each for each in records if not seen.publics or each in seen.publics]
    return fitting[0] if len(fitting) == 1 else ""


# Rules ------------------------------------------------------------------------------------------------


def _led(seen: Seen, parts: Iterable[Part]) -> Iterator[Led]:
    """Each rule once, though two hooks lead to it."""
    if seen.rules is None:
        return
    labels = {each.seen.address: each.seen.label for each in parts if each.seen.address}
    together: dict[tuple[str, str, str], list[SeenRule]] = {}
    for rule in seen.rules.rules:
        together.setdefault((rule.table, rule.chain, rule.text), []).append(rule)
    for rules in together.values():
        yield _explained(tuple(rules), labels)


def _explained(rules: tuple[SeenRule, ...], labels: Mapping[str, str]) -> Led:
    rule = rules[0]
    if rule.odd or not rule.action:
        odd = ", ".join(rule.odd) or "its target"
        return Led(rules, f"Rookery does not know what this rule does: {odd}.", counts=False)
    what = f"{rule.protocol or 'any protocol'}{f' port {rule.port}' if rule.port else ''}"
    source = rule.source.removesuffix("/32")
    who = f"from {labels.get(source, source)} " if source else ""
    if rule.action == "DNAT":
        at = rule.destination.removesuffix("/32") or (
            "every address of this host" if rule.local else "anywhere"
        )
        there = labels.get(rule.to, "")
        place = f"{there} at {rule.to}" if there else f"{rule.to}, where no unikernel of this part is"
        port = f", port {rule.to_port}" if rule.to_port and rule.to_port != rule.port else ""
        sentence = f"What comes {who}to {at} at {what} goes to {place}{port}."
        return Led(rules, sentence, there)
    out = f" by {rule.to_interface}" if rule.to_interface else ""
    if rule.action == "MASQUERADE":
        return Led(rules, f"What goes {who}out{out} gets the host's own address.", labels.get(source, ""))
    if rule.action == "SNAT":
        sentence = f"What goes {who}out{out} at {what} comes from {rule.to}."
        return Led(rules, sentence, labels.get(source, ""))
    verb = {"ACCEPT": "let through", "DROP": "dropped", "REJECT": "refused"}.get(rule.action, rule.action)
    ways = [f"from {rule.from_interface}" if rule.from_interface else "", out.strip()]
    way = " ".join(filter(None, [who.strip(), *ways, "as an answer" if rule.answers else ""]))
    return Led(rules, f"In {rule.hook}, {what}{' ' if way else ''}{way} is {verb}.", labels.get(source, ""))


# What reaches a unikernel -----------------------------------------------------------------------------


def _finished(seen: Seen, part: Part, led: Iterable[Led]) -> Part:
    reached = tuple(each.sentence for each in led if each.part and each.part == part.seen.label)
    return Part(part.seen, part.guess, part.domain, part.hops, reached, tuple(_recorded(seen, part)))


def _recorded(seen: Seen, part: Part) -> Iterator[str]:
    """Records of the zone that are about this unikernel."""
    zone, role = seen.zone, part.guess.role
    if zone is None or part.domain not in {"", zone.name}:
        return
    if role == "verifier":
        yield from (f"MX of {zone.name}: {each}" for each in zone.texts(zone.name, "MX"))
    if role == "primary":
        yield from (f"NS of {zone.name}: {each}" for each in zone.texts(zone.name, "NS"))
    if role == "relay":
        yield from (f"SPF of {zone.name}: {each}" for each in spf_of(zone))
    selector = part.seen.value("--selector").lower()
    if role == "signer" and selector:
        owner = f"{selector}._domainkey.{zone.name}"
        yield from (f"DKIM at {owner}: {each[:60]}…" for each in zone.texts(owner, "TXT"))
    host = certificate_host_of(part)
    for each in zone.certificates if host else ():
        if each.host == host:
            yield f"Certificate of {host}: {each.sentence}"
    if host and role == "submission":
        yield from (f"A of {host}: {each}" for each in zone.texts(host, "A"))
