"""All that people should know about one address or one domain, as sentences: for pages and the API alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from tenants import access
from tenants.actor import Actor
from tenants.formats.exchanges import Answer, Dmarc
from tenants.guards import Guards
from tenants.models import AddressWarning, Domain, Mailbox, TargetAddress, TargetDomain

Exchange = TargetAddress.Exchange
SHOWN_ALIKE = 20
SHOWN_OF_DOMAIN = 100
_STATES = (Exchange.CHECKING, Exchange.SHARED)


@dataclass(frozen=True)
class Caution:
    """`code` for programs; `target` names the target it is about, if one; `serious` when mail is lost or goes
    astray. `addresses` are others that it concerns, for those who may see them."""

    code: str
    sentence: str
    serious: bool = False
    target: str = ""
    since: datetime | None = None
    addresses: tuple[str, ...] = field(default=())


def state_sentence(row: TargetAddress, guards: Guards, others: list[TargetAddress]) -> str:
    """Why one target is written or not, where there is a why."""
    if row.exchange == Exchange.CHECKING:
        hosts = guards.unknown([row.host, *(each.host for each in others)]) or [row.host]
        names = " and ".join(hosts[:3])
        return f"Checking where mail of {names} goes; until that is known, {row.address} gets none."
    if row.exchange in {Exchange.SHARED, Exchange.ACCEPTED}:
        pairs = guards.shared({row.host, *(each.host for each in others)})
        risk = next((pair.sentence for pair in pairs if row.host in {pair.first, pair.second}), "")
        if row.exchange == Exchange.ACCEPTED:
            return f"{risk} Somebody of the team accepted that." if risk else ""
        return f"{row.address} gets no mail: {risk}" if risk else f"{row.address} gets no mail yet."
    return ""


def address_cautions(actor: Actor, mailbox: Mailbox, guards: Guards | None = None) -> list[Caution]:
    """What is worth knowing about an address, the serious first. A constant number of queries."""
    if mailbox.trashed_at is not None:
        return []
    rows = sorted(mailbox.targets.all(), key=lambda row: row.pk)
    if guards is None:
        guards = Guards.about((row.host for row in rows), mailbox.domain.organization_id)
    found = [_warning(actor, mailbox, row) for row in mailbox.warnings.all()]
    for row in rows:
        sentence = state_sentence(row, guards, [each for each in rows if each is not row])
        if sentence:
            code = f"exchange-{row.exchange}"
            found.append(Caution(code, sentence, row.exchange == Exchange.SHARED, row.address))
    told: set[str] = set()
    for row in rows:
        for notice in guards.notices(row.host) if row.host not in told else ():
            found.append(Caution(notice.code, notice.sentence, notice.serious, row.address))
        told.add(row.host)
    return sorted(found, key=lambda each: not each.serious)


def _warning(actor: Actor, mailbox: Mailbox, row: AddressWarning) -> Caution:
    serious = row.kind != AddressWarning.Kind.REUSED_PASSPHRASE
    if serious:
        return Caution(row.kind, row.sentence, serious, since=row.since)
    alike = Mailbox.objects.filter(
        likeness=mailbox.likeness, domain__organization=mailbox.domain.organization_id, trashed_at=None
    ).exclude(pk=mailbox.pk)
    count = alike.count() if mailbox.likeness else 0
    others = "another address" if count < 2 else f"{count} other addresses"
    sentence = row.sentence.replace("another address", others, 1)
    return Caution(row.kind, sentence, False, since=row.since, addresses=_named(actor, mailbox, alike))


def _named(actor: Actor, mailbox: Mailbox, alike: QuerySet[Mailbox]) -> tuple[str, ...]:
    """Which ones: only for those who run the address; its holder learns that there are some."""
    if not mailbox.likeness or not access.may(actor, access.Verb.MANAGE, mailbox):
        return ()
    seen = alike.filter(pk__in=access.visible_to(actor, Mailbox).values("pk")).select_related("domain")
    return tuple(str(each) for each in seen.order_by("domain__name", "local_part")[:SHOWN_ALIKE])


# Of a whole domain ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HostCaution:
    """A target domain with something to know, and how many targets of the domain it concerns."""

    host: str
    targets: int
    cautions: tuple[Caution, ...]


def warnings_of(domain: Domain) -> QuerySet[AddressWarning]:
    """The warnings about a domain's addresses."""
    rows = AddressWarning.objects.filter(mailbox__domain=domain, mailbox__trashed_at=None)
    return rows.select_related("mailbox__domain").order_by("kind", "mailbox__local_part")


def held_targets(domain: Domain) -> QuerySet[TargetAddress]:
    """Targets of a domain's addresses that are not written because of their mail server."""
    rows = TargetAddress.objects.filter(
        exchange__in=_STATES, mailbox__domain=domain, mailbox__trashed_at=None
    )
    return rows.select_related("mailbox__domain").order_by("mailbox__local_part", "pk")


def host_cautions(domain: Domain) -> list[HostCaution]:
    """Target domains of a domain's addresses about which there is something to know; the serious first."""
    odd = TargetDomain.objects.filter(
        ~Q(answer__in=["", Answer.EXCHANGES])
        | Q(dmarc__in=[Dmarc.REJECT, Dmarc.QUARANTINE])
        | Q(failures__gt=0)
    )
    own = Domain.objects.filter(organization=domain.organization_id).values("name")
    rows = TargetAddress.objects.filter(
        Q(host__in=odd.values("name")) | Q(host__in=own), mailbox__domain=domain, mailbox__trashed_at=None
    )
    counts = dict(
        rows.order_by()
        .values("host")
        .annotate(n=Count("pk"))
        .order_by("-n")
        .values_list("host", "n")[:SHOWN_OF_DOMAIN]
    )
    guards = Guards.about(counts, domain.organization_id)
    found = []
    for host, count in counts.items():
        cautions = tuple(Caution(each.code, each.sentence, each.serious) for each in guards.notices(host))
        if cautions:
            found.append(HostCaution(host, count, cautions))
    return sorted(found, key=lambda each: (not any(one.serious for one in each.cautions), each.host))
