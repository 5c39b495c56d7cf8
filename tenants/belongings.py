"""What belongs to a domain: what goes along when it is handed over, what ends, what keeps it here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q

from tenants.errors import Problem
from tenants.models import (
    Account,
    AddressRequest,
    ApiToken,
    CertificateUse,
    Domain,
    Holding,
    RepositoryReader,
    Stack,
    SyncTarget,
    Zone,
)

_MOST_NAMED = 5


@dataclass(frozen=True)
class Belongings:
    """Sentences for people. `hindrances` name what is the giver's own, and are for the giver alone."""

    addresses: int
    moves: tuple[str, ...]
    ends: tuple[str, ...]
    hindrances: tuple[Problem, ...]


def belongings_of(domain: Domain) -> Belongings:
    """Everything about a domain that matters to who gives it and who gets it."""
    addresses = domain.mailboxes.filter(trashed_at=None).count()
    return Belongings(
        addresses=addresses,
        moves=tuple(_moves(domain, addresses)),
        ends=tuple(_ends(domain)),
        hindrances=tuple(_hindrances(domain)),
    )


def counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _moves(domain: Domain, there: int) -> Iterator[str]:
    people = Account.objects.filter(
        pk__in=Holding.objects.filter(mailbox__domain=domain).values("account")
    ).count()
    addresses = counted(there, "address", "addresses")
    held = counted(people, "person who holds", "people who hold")
    yield f"{addresses} with all that is known of them, and {held} them." if people else f"{addresses}."
    trashed = domain.mailboxes.exclude(trashed_at=None).count()
    if trashed:
        yield f"{counted(trashed, 'address', 'addresses')} in the trash."
    requests = domain.address_requests.filter(status__in=AddressRequest.OPEN).count()
    if requests:
        yield f"{counted(requests, 'request', 'requests')} for an address, still to be decided."
    invitations = domain.invitations.filter(withdrawn_at=None, uses_left__gt=0).count()
    if invitations:
        yield f"{counted(invitations, 'invitation', 'invitations')}, whose links go on working."
    names = domain.held_names.count()
    if names:
        yield f"{counted(names, 'name', 'names')} held back."
    keys = domain.signing_keys.filter(retired_at=None).count()
    if keys:
        yield f"{counted(keys, 'DKIM key', 'DKIM keys')}."
    if getattr(domain, "relay", None) is not None:
        yield "The repository of its users, with Rookery’s key for it."
    zone = kept_zone(domain)
    if zone is not None:
        place = "name server" if zone.target.update_server_id else "repository"
        yield f"Its DNS zone, and the {place} that has this zone alone."


def kept_zone(domain: Domain) -> Zone | None:
    """The domain's zone, if Rookery writes it or is not done with it."""
    zone: Zone | None = getattr(domain, "zone", None)
    return zone if zone is not None and not is_forgotten(zone) else None


def is_forgotten(zone: Zone) -> bool:
    """Does it end with the handing over? It was let go or removed before, somewhere among others."""
    return zone.standing in (Zone.Standing.LET_GO, Zone.Standing.REMOVED) and _is_shared(zone)


def _is_shared(zone: Zone) -> bool:
    return Zone.objects.filter(target=zone.target_id).exclude(pk=zone.pk).exists()


def _ends(domain: Domain) -> Iterator[str]:
    roles = domain.roles.count()
    if roles:
        yield f"{counted(roles, 'part', 'parts')} that people were given in this domain alone."
    tokens = ApiToken.objects.filter(domain=domain).count()
    if tokens:
        yield f"{counted(tokens, 'key', 'keys')} for programs that know this domain only."
    webhooks = domain.webhooks.count()
    if webhooks:
        yield f"{counted(webhooks, 'webhook', 'webhooks')} that are told of this domain only."
    exports = domain.exports.count()
    if exports:
        yield f"{counted(exports, 'export', 'exports')} of the domain."
    zone = getattr(domain, "zone", None)
    if zone is not None and is_forgotten(zone):
        yield "What Rookery remembers of the DNS zone that was let go or removed."
    yield "The history until now stays where it is, and does not go along."


def places_of(domain: Domain) -> list[SyncTarget]:
    """What is kept in agreement outside, and goes along: the repository of users, the zone's place."""
    found = Q(repository__domain=domain)
    zone = kept_zone(domain)
    if zone is not None:
        found |= Q(pk=zone.target_id)
    return list(SyncTarget.objects.filter(found).select_related("repository", "update_server").order_by("pk"))


def _hindrances(domain: Domain) -> Iterator[Problem]:
    stack = Stack.objects.filter(domain=domain).select_related("share__host").first()
    if stack is not None:
        yield Problem(
            "stack",
            f"Its mail stack is on {stack.share.host}, in the part that {domain.organization} has there.",
            "Remove the mail stack first. Whoever gets the domain sets one up on a host of theirs.",
        )
    places = places_of(domain)
    readers = RepositoryReader.objects.filter(repository__sync_target__in=places).select_related("unikernel")
    for reader in readers[:_MOST_NAMED]:
        yield Problem(
            "reader",
            f"The unikernel {reader.unikernel} of {domain.organization} reads its repository.",
            "Say on the page of the repository that it reads it no more, or delete the unikernel.",
        )
    zone = kept_zone(domain)
    if zone is not None:
        yield from _about_zone(domain, zone)


def _about_zone(domain: Domain, zone: Zone) -> Iterator[Problem]:
    if zone.standing == Zone.Standing.REMOVING:
        yield Problem("zone", "Its DNS zone is just being removed.", "Wait until that was proved.")
    others = Zone.objects.filter(target=zone.target_id).exclude(pk=zone.pk).select_related("domain")
    named = [str(each) for each in others.order_by("domain__name")[:_MOST_NAMED]]
    if named:
        yield Problem(
            "zone",
            f"Its DNS zone is kept in one place with {', '.join(named)}.",
            "Keep it elsewhere, in a repository or at a name server that has this zone alone, or let it go.",
        )
    uses = CertificateUse.objects.filter(zone=zone).exclude(mode=CertificateUse.Mode.OFF)
    for use in uses.select_related("unikernel")[:_MOST_NAMED]:
        yield Problem(
            "certificate",
            f"The unikernel {use.unikernel} of {domain.organization} uses the certificate of {use.host}.",
            "Say on the page of the unikernel that it is not linked to it.",
        )
