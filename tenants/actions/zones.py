"""The zone of a domain: beginning it, its SOA, freezing it, and proof that the domain is its owner's."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock_installation, lock_kept
from tenants.actions.record_sets import insert_record_set, require_publishable
from tenants.actions.reversals import final, undoable
from tenants.actions.zone_repositories import check_server_address
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Invalid
from tenants.formats.addresses import check_host_name
from tenants.formats.text import FormatError, check_text, printable
from tenants.formats.zones.names import Name
from tenants.formats.zones.stored import typed_data
from tenants.models import Domain, Repository, SyncTarget, UpdateServer, Zone
from tenants.zone_contents import is_updated

SOA_FIELDS = ("first_server", "contact", "refresh", "retry", "expire", "minimum")
_TIMES = ("refresh", "retry", "expire", "minimum")
_MOST_SECONDS = 2**31 - 1
CHALLENGE_LABEL = "_rookery"


@transaction.atomic
def create_zone(
    *,
    actor: Actor,
    domain: Domain,
    repository: Repository | None = None,
    server: UpdateServer | None = None,
    first_server: str = "",
    address: str = "",
    contact: str = "",
) -> Zone:
    """Begin the zone of a domain, in a zone repository or at a name server that takes dynamic updates.

    In a repository it starts with its first name server (ns1 of the domain, unless it is told); `address` is
    where that is reached, needed when its name lies in the zone; else the primary's own is taken. At a name
    server the zone must be there already: all that it holds is kept, and its SOA is the server's own. Nothing
    is published until the domain's ownership was proved.
    """
    access.require(actor, access.Verb.CHANGE, domain)
    access.require_create(actor, access.Kind.ZONE, domain.organization)
    target = place_of(actor, domain, repository, server)
    own_address = repository.primary.address if repository else server.address if server else ""
    lock_installation()
    if not SyncTarget.objects.filter(pk=target.pk).exists():
        raise Absent
    require_alone(domain)
    checks = Checks()
    with checks:
        first_server = check_host_name(first_server.strip() or f"ns1.{domain.name}", field="first_server")
    with checks:
        contact = check_contact(contact.strip() or f"hostmaster@{domain.name}")
    with checks:
        address = check_server_address(address or own_address)
    checks.finish()
    known = forget_ended(domain)
    outbox.mark([target])
    try:
        with transaction.atomic():
            zone = Zone.objects.create(
                **known,
                domain=domain,
                target=target,
                first_server=first_server,
                contact=contact,
                challenge=f"rookery-{secrets.token_hex(16)}",
                generation=target.generation,
                changed_at=timezone.now(),
            )
    except IntegrityError as error:
        raise Conflict(f"{domain} has a zone already.") from error
    if repository is not None:
        _begin_with(zone, first_server, address)
    outbox.hint_on_commit("prove_ownership", zone.pk, "lookups")
    record(
        actor,
        "create_zone",
        zone,
        f"The zone {zone} was begun {f'in {repository.short_name}' if repository else f'at {server}'}.",
        domain=domain,
        target=target,
        after={"first_server": first_server, "contact": contact, "kept": str(target.place)},
    )
    return zone


def place_of(
    actor: Actor, domain: Domain, repository: Repository | None, server: UpdateServer | None
) -> SyncTarget:
    """Raises Absent for what is another organization's, and Invalid unless one place was chosen."""
    place = repository or server
    if place is None or (repository is not None and server is not None):
        raise Invalid.of(
            "repository", "A zone is kept in one place.", "Choose a zone repository or a name server."
        )
    access.require(actor, access.Verb.VIEW, place)
    if place.organization_id != domain.organization_id:
        raise Absent
    if repository is not None and repository.kind != Repository.Kind.ZONE:
        raise Absent
    return place.sync_target


def _begin_with(zone: Zone, first_server: str, address: str) -> None:
    origin, host = Name.of(zone.name), Name.of(first_server)
    insert_record_set(zone, origin, zone.minimum, [typed_data("NS", f"{first_server}.", origin)])
    if host.within(origin):
        kind = "AAAA" if ":" in address else "A"
        insert_record_set(zone, host, zone.minimum, [typed_data(kind, address, origin)])
    require_publishable(zone, {})


def require_alone(domain: Domain) -> None:
    """All zones of a primary are one tree, and keys cover what lies below: families stay in one hand."""
    labels = domain.name.split(".")
    above = [".".join(labels[index:]) for index in range(1, len(labels))]
    kept = Zone.objects.exclude(standing__in=(Zone.Standing.REMOVED, Zone.Standing.LET_GO))
    others = kept.exclude(domain__organization=domain.organization_id)
    if (
        others.filter(domain__name__in=above).exists()
        or others.filter(domain__name__endswith=f".{domain.name}").exists()
    ):
        raise Invalid.of(
            "domain",
            f"A zone above or below {domain} belongs to another organization here.",
            "If it is yours, ask an operator of this Rookery to hand it over.",
        )


def forget_ended(domain: Domain) -> dict[str, Any]:
    """Clear the way for a new zone of a domain; what was proved about the domain holds for it too.

    Raises Conflict where the zone that is there has not ended.
    """
    former = Zone.objects.filter(domain=domain).first()
    if former is None:
        return {}
    if former.standing not in {Zone.Standing.REMOVED, Zone.Standing.LET_GO}:
        what = "is still being removed" if former.standing == Zone.Standing.REMOVING else "has a zone already"
        raise Conflict(f"{domain} {what}.")
    former.secondaries.all().delete()
    former.delete()
    return {"owned_at": former.owned_at, "owned_by": former.owned_by, "serial": former.serial}


def check_contact(contact: str) -> str:
    """A mail address that an SOA can say: its first dot stands for the @, and there are no escapes."""
    contact = check_text(contact, field="contact", maximum=254).lower()
    local, at, host = contact.partition("@")
    if not at or not local or "." in local or not local.replace("-", "").replace("_", "").isalnum():
        raise FormatError(
            "contact",
            f"“{printable(contact, 80)}” cannot stand in an SOA: before the @ it takes letters, digits and"
            " hyphens, no dot.",
            "Write an address such as hostmaster@example.org.",
        )
    return f"{local}@{check_host_name(host, field='contact')}"


@transaction.atomic
def change_soa(
    *,
    actor: Actor,
    zone: Zone,
    first_server: str | None = None,
    contact: str | None = None,
    refresh: int | None = None,
    retry: int | None = None,
    expire: int | None = None,
    minimum: int | None = None,
) -> Zone:
    """Change how the zone is kept: its first server, who is asked about it, and its times in seconds."""
    access.require(actor, access.Verb.CHANGE, zone)
    checks = Checks()
    wanted: dict[str, Any] = {"refresh": refresh, "retry": retry, "expire": expire, "minimum": minimum}
    with checks:
        if first_server is not None:
            wanted["first_server"] = check_host_name(first_server.strip(), field="first_server")
    with checks:
        if contact is not None:
            wanted["contact"] = check_contact(contact.strip())
    for name in _TIMES:
        with checks:
            if wanted[name] is not None and not 0 <= wanted[name] <= _MOST_SECONDS:
                raise FormatError(
                    name, f"{wanted[name]} is no time that a zone can hold.", "Give seconds; a day is 86400."
                )
    checks.finish()
    lock_kept(zone)
    require_not_frozen(zone)
    if is_updated(zone):
        raise Conflict(f"The name server keeps the SOA of {zone} itself. Change it there.")
    before = {name: getattr(zone, name) for name in SOA_FIELDS}
    for name, value in wanted.items():
        if value is not None:
            setattr(zone, name, value)
    after = {name: getattr(zone, name) for name in SOA_FIELDS}
    if after == before:
        return zone
    require_publishable(zone, {})
    _save(zone, *SOA_FIELDS)
    _record(actor, "change_soa", zone, f"How {zone} is kept was changed.", before=before, after=after)
    return zone


@transaction.atomic
def freeze_zone(*, actor: Actor, zone: Zone, frozen: bool) -> Zone:
    """Write nothing into a zone for now, or go on with it."""
    access.require(actor, access.Verb.CHANGE, zone)
    lock_kept(zone)
    if zone.frozen == frozen:
        return zone
    zone.frozen = frozen
    _save(zone, "frozen")
    what = "is frozen: nothing is written into it" if frozen else "is written again"
    _record(
        actor, "freeze_zone", zone, f"{zone} {what}.", before={"frozen": not frozen}, after={"frozen": frozen}
    )
    return zone


@transaction.atomic
def look_for_ownership(*, actor: Actor, zone: Zone) -> None:
    """Ask for a look at the DNS now, after the TXT record or the delegation was set."""
    access.require(actor, access.Verb.CHANGE, zone)
    lock_kept(zone)
    if zone.owned_at is not None:
        raise Conflict(f"{zone.domain} was proved to be yours already.")
    zone.next_look_at, zone.looks = timezone.now(), 0
    zone.save(update_fields=["next_look_at", "looks"])
    outbox.hint_on_commit("prove_ownership", zone.pk, "lookups")
    _record(actor, "look_for_ownership", zone, f"{actor} asked for a look whether {zone.domain} is theirs.")


def require_not_frozen(zone: Zone) -> None:
    if zone.frozen:
        raise Conflict(f"{zone} is frozen. Unfreeze it first.")


def _save(zone: Zone, *fields: str) -> None:
    target = SyncTarget.objects.get(pk=zone.target_id)
    outbox.mark([target])
    zone.target, zone.generation, zone.changed_at = target, target.generation, timezone.now()
    zone.save(update_fields=[*fields, "generation", "changed_at"])


def _record(actor: Actor, verb: str, zone: Zone, sentence: str, **about: Any) -> None:
    record(actor, verb, zone, sentence, domain=zone.domain, target=zone.target, **about)


def zone_of(event: Any) -> Zone | None:
    """The zone that an event is about."""
    return Zone.objects.filter(domain=event.domain_id).select_related("domain", "target").first()


undoable(
    "change_soa",
    find=zone_of,
    present=lambda zone, event: {name: getattr(zone, name) for name in event.after},
    restore=lambda actor, zone, event: change_soa(actor=actor, zone=zone, **event.before),
    told=lambda zone, event: f"{zone} is kept as before.",
)
undoable(
    "freeze_zone",
    find=zone_of,
    present=lambda zone, event: {"frozen": zone.frozen},
    restore=lambda actor, zone, event: freeze_zone(actor=actor, zone=zone, frozen=event.before["frozen"]),
    told=lambda zone, event: f"{zone} is {'frozen' if event.before['frozen'] else 'written'} again.",
)
final("Remove the zone, or let it go, in how it is kept.", "create_zone")
final("This looked at the DNS and changed nothing.", "look_for_ownership")
