"""What the zone and the users mean for mail: who is named, who is not, and whose keys do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network

from tenants.formats.existing.picture import (
    Notice,
    Picture,
    Seen,
    Weight,
    certificate_host_of,
    spf_of,
    sure,
)
from tenants.formats.existing.seen import SeenZone
from tenants.formats.mail_checks.spf_record import Unreadable, read_spf
from tenants.formats.zones.certificates import Standing
from tenants.formats.zones.dkim_record import published_key

ZONE, USERS = "zone", "users"


def about_the_zone(seen: Seen, picture: Picture) -> Iterator[Notice]:
    """All that can be said of zone and users."""
    yield from _users(seen)
    zone = seen.zone
    if zone is None:
        return
    if not zone.there or zone.problem:
        yield _unserved(zone)
        return
    for look in _LOOKS:
        yield from look(zone, picture)


def _unserved(zone: SeenZone) -> Notice:
    if not zone.there:
        return Notice(
            "no-zone",
            Weight.MISSING,
            ZONE,
            f"The repository has no file {zone.name}: this primary does not serve the domain.",
            "Begin the zone here, or connect the repository that has it.",
        )
    return Notice(
        "broken-zone",
        Weight.DANGER,
        ZONE,
        f"The primary does not serve {zone.name}: {zone.problem}",
        "Correct the file before anything changes a record: the primary then removes what it cannot read.",
    )


def _users(seen: Seen) -> Iterator[Notice]:
    users = seen.users
    if users is not None and not users.users:
        yield Notice(
            "no-users",
            Weight.MISSING,
            USERS,
            f"The branch {users.branch or 'main'} has no users: nobody can sign in, and no address is known.",
            "Make sure that this is the repository and branch that the unikernels read.",
        )
    if users is not None and users.skipped:
        yield Notice(
            "skipped-users",
            Weight.CONTRADICTION,
            USERS,
            f"ptt ignores {users.skipped} of the files there: those are no users that work.",
            "The page of the repository says why for each.",
        )


def _addresses_of(zone: SeenZone, host: str) -> tuple[str, ...]:
    return zone.texts(host.lower().removesuffix("."), "A")


def _mx(zone: SeenZone, picture: Picture) -> Iterator[Notice]:
    """Incoming mail: the MX must lead to the receiver's public address, by its certificate's name."""
    receiver = picture.part_of("verifier")
    found = zone.texts(zone.name, "MX")
    hosts = [each.split()[-1].lower().removesuffix(".") for each in found if each.split()]
    if not hosts and receiver is not None:
        yield Notice(
            "no-mx",
            Weight.MISSING,
            ZONE,
            f"{zone.name} has no MX record: no mail is led to {receiver.seen.label}.",
            "The stack writes it when port 25 is open.",
        )
    for host in hosts:
        there = _addresses_of(zone, host)
        inside = host == zone.name or host.endswith(f".{zone.name}")
        if inside and not there:
            yield Notice(
                "mx-without-address",
                Weight.DANGER,
                ZONE,
                f"Mail goes to {host}, which has no address in the zone.",
                "Give it one.",
            )
        elif picture.public and there and picture.public not in there:
            yield Notice(
                "mx-elsewhere",
                Weight.CONTRADICTION,
                ZONE,
                f"Mail goes to {host} at {', '.join(there)}, not to {picture.public}.",
                "Either another host receives the mail, or the address is an old one.",
            )
        elif not inside:
            yield Notice(
                "foreign-mx",
                Weight.CONTRADICTION,
                ZONE,
                f"Mail goes to {host}, a name of somebody else's zone; it may be a left-over of an example.",
                f"If this installation receives the mail, the MX is {zone.name} itself.",
            )
    if receiver is not None and hosts and certificate_host_of(receiver) not in {"", *hosts}:
        yield Notice(
            "mx-other-name",
            Weight.CONTRADICTION,
            ZONE,
            f"Mail goes to {', '.join(hosts)}; the receiver's certificate is for "
            f"{certificate_host_of(receiver)}.",
            "Lead the MX to the name of the certificate.",
        )


def _spf(zone: SeenZone, picture: Picture) -> Iterator[Notice]:
    found = spf_of(zone)
    if len(found) > 1:
        yield Notice(
            "several-spf",
            Weight.CONTRADICTION,
            ZONE,
            f"{zone.name} has {len(found)} sender policies (SPF): with more than one, none counts.",
            "ptt.spf only ever adds one. Leave the right one, remove the others.",
        )
        return
    if not found:
        yield Notice(
            "no-spf",
            Weight.MISSING,
            ZONE,
            f"{zone.name} has no sender policy (SPF): large receivers refuse its mail.",
            "The stack writes one with its public address.",
        )
        return
    problem = _spf_problem(found[0], picture.public)
    if problem:
        yield Notice(
            "spf-without-address",
            Weight.CONTRADICTION,
            ZONE,
            f"The sender policy “{found[0][:150]}” {problem}",
            f"Add ip4:{picture.public} to it." if picture.public else "Correct it.",
        )


def _spf_problem(text: str, public: str) -> str:
    """Why this policy does not let mail from `public` pass; "" when it does, or nobody can say."""
    try:
        terms = read_spf(text)
    except Unreadable as problem:
        return f"cannot be read: {problem}."
    if not public:
        return ""
    address = ip_address(public)
    for each in terms:
        if each.mechanism == "all":
            break
        if each.mechanism != "ip4":
            return ""  # it depends on what others say
        if address in ip_network(each.value):
            return "" if each.qualifier == "+" else f"names {public} as one that may not send."
    return f"does not name {public}, from where its mail leaves."


def _dkim(zone: SeenZone, picture: Picture) -> Iterator[Notice]:
    signer = picture.part_of("signer")
    if signer is None:
        return
    selector = signer.seen.value("--selector").lower()
    owner = f"{selector}._domainkey.{zone.name}"
    if not selector:
        return
    keys = {published_key(each.strip('"').encode("latin-1", "replace")) for each in zone.texts(owner, "TXT")}
    seed = next((each for each in signer.seen.arguments if each.name in {"--private-key", "--seed"}), None)
    if not keys:
        yield Notice(
            "no-dkim",
            Weight.MISSING,
            ZONE,
            f"{signer.seen.label} signs as {selector}, but there is no {owner}: no signature verifies.",
            "It writes the record when it starts. Look at its console, and whether its key may do that.",
        )
    elif seed is not None and seed.told and seed.told not in keys:
        yield Notice(
            "another-dkim",
            Weight.DANGER,
            ZONE,
            f"{owner} has another key than {signer.seen.label} makes of its seed: its signatures fail.",
            "Restart the signer: it publishes its key unless the primary refuses.",
        )


def _submission(zone: SeenZone, picture: Picture) -> Iterator[Notice]:
    part = picture.part_of("submission")
    host = certificate_host_of(part) if part is not None else ""
    if not host or not (host == zone.name or host.endswith(f".{zone.name}")):
        return
    there = _addresses_of(zone, host)
    if not there and not zone.texts(host, "CNAME"):
        yield Notice(
            "submission-without-address",
            Weight.MISSING,
            ZONE,
            f"{host}, where people's mail programs send to, has no address in the zone.",
            "The stack writes it.",
        )
    elif picture.public and there and picture.public not in there:
        yield Notice(
            "submission-elsewhere",
            Weight.CONTRADICTION,
            ZONE,
            f"{host} is {', '.join(there)}, not {picture.public}.",
            "The stack replaces it.",
        )


def _certificates(zone: SeenZone, picture: Picture) -> Iterator[Notice]:
    for part in picture.parts:
        host = certificate_host_of(part) if sure(part) and picture.serves(part) else ""
        if not host or part.seen.argument("--cert-der") is not None:
            continue
        found = next((each for each in zone.certificates if each.host == host), None)
        if found is None:
            yield Notice(
                "no-certificate",
                Weight.MISSING,
                part.seen.label,
                f"The zone has neither a certificate for {host} nor a request for one.",
                f"{part.seen.label} asks for it when it starts, if its key may change the zone.",
            )
        elif found.standing not in {Standing.VALID.value, Standing.RENEWAL_DUE.value}:
            yield Notice(
                "bad-certificate",
                Weight.CONTRADICTION,
                part.seen.label,
                f"Certificate of {host}: {found.sentence}",
                "The page of the zone's certificates says what to do.",
            )
        elif found.staging:
            yield Notice(
                "staging-certificate",
                Weight.CONTRADICTION,
                part.seen.label,
                f"The certificate of {host} is for tests only: no mail program trusts it.",
                "Let the Let's Encrypt secondary run with --production.",
            )


def _keys(zone: SeenZone, picture: Picture) -> Iterator[Notice]:
    """Keys by which unikernels change the zone: are they those that the primary knows?"""
    known = {each.name: each.mark for each in zone.keys}
    marks = frozenset(known.values())
    for part in picture.parts:
        key = part.seen.argument("--dns-key")
        if key is None or not key.told or not picture.serves(part) or key.mark in marks:
            continue
        problem = "another secret than" if key.told in known else "a key that is none of"
        yield Notice(
            "unknown-key",
            Weight.DANGER,
            part.seen.label,
            f"{part.seen.label} has {problem} the zone's: {key.told}. The primary refuses its changes.",
            f"Put its key into {zone.name}._keys, or give it one of those there with the next release.",
        )


def _name_servers(zone: SeenZone, picture: Picture) -> Iterator[Notice]:
    primary = picture.part_of("primary")
    if primary is None or not picture.public:
        return
    servers = [each.lower().removesuffix(".") for each in zone.texts(zone.name, "NS")]
    inside = [each for each in servers if each.endswith(f".{zone.name}")]
    if inside and not any(picture.public in _addresses_of(zone, each) for each in inside):
        yield Notice(
            "name-server-elsewhere",
            Weight.CONTRADICTION,
            ZONE,
            f"None of the name servers {', '.join(inside)} has the address {picture.public} of this primary.",
            "Correct its address here and at the registrar (glue).",
        )


def _dmarc(zone: SeenZone, picture: Picture) -> Iterator[Notice]:
    if not zone.texts(f"_dmarc.{zone.name}", "TXT"):
        yield Notice(
            "no-dmarc",
            Weight.NOTE,
            ZONE,
            f"{zone.name} says nothing about what receivers do with forged mail (DMARC).",
            "The stack begins with a policy that only reports.",
        )


_LOOKS: tuple[Callable[[SeenZone, Picture], Iterator[Notice]], ...] = (
    *(_mx, _spf, _dkim, _submission, _certificates, _keys, _name_servers, _dmarc),
)
