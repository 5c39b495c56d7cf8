"""Which targets of one address may be written outside together: ptt mixes those with one mail server.

No name is looked up here: rows of TargetDomain say what workers found, and ask them to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import F
from django.utils import timezone

from tenants import outbox
from tenants.errors import Invalid
from tenants.formats.exchanges import ACCEPTED, CHECKING, FLOWS, FREE, SHARED, Exchanges, host_of, judge
from tenants.formats.exchanges import shared as shared_exchange
from tenants.guards import exchanges_of, facts_about, known_exchanges
from tenants.models import Domain, Mailbox, Organization, TargetAddress, TargetDomain

QUEUE = "lookups"
_AT_ONCE = 500
# The sweep finds the others.
_HINTS = 20


def want_lookups(hosts: Iterable[str], organization: Organization | None) -> None:
    """Have workers find out where mail of these domains goes: now, and again every night."""
    names = sorted(set(hosts))
    now = timezone.now()
    known: set[str] = set()
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        known |= set(TargetDomain.objects.filter(name__in=some).values_list("name", flat=True))
    new = [name for name in names if name not in known]
    if not new:
        return
    TargetDomain.objects.bulk_create(
        (TargetDomain(name=name, organization=organization, wanted_at=now) for name in new),
        batch_size=_AT_ONCE,
        ignore_conflicts=True,
    )
    waiting = TargetDomain.objects.filter(name__in=new[:_HINTS], looked_up_at=None)
    for row_id in waiting.values_list("pk", flat=True):
        outbox.hint_on_commit("look_up", row_id, QUEUE)


def want_review(targets: Iterable[Sequence[str]], organization: Organization | None) -> None:
    """Have workers look up the targets of addresses that nobody judged, and look at those addresses."""
    hosts: set[str] = set()
    mixed: set[str] = set()
    for addresses in targets:
        some = {host_of(address) for address in addresses}
        hosts |= some
        mixed |= some if len(some) > 1 else set()
    want_lookups(hosts, organization)
    names = sorted(hosts)
    for start in range(0, len(names), _AT_ONCE):
        some_names = names[start : start + _AT_ONCE]
        mixed |= set(Domain.objects.filter(name__in=some_names).values_list("name", flat=True))
    names = sorted(mixed)
    for start in range(0, len(names), _AT_ONCE):
        rows = TargetDomain.objects.filter(name__in=names[start : start + _AT_ONCE])
        rows.update(review_due=F("review_due") + 1, reviewed_to=0)


def states_of_new(mailbox: Mailbox, addresses: Sequence[str], *, accept_shared: bool = False) -> list[str]:
    """The state in which each new target of `mailbox` begins (see TargetAddress.Exchange).

    Raises Invalid for one that is known to share its mail server with another target, unless
    `accept_shared` says that somebody who may do so takes that risk.
    """
    old = list(mailbox.targets.order_by("pk").values_list("host", "exchange"))
    targets = [*old, *((host_of(address), str(CHECKING)) for address in addresses)]
    hosts = {host for host, _ in targets}
    want_lookups(hosts, mailbox.domain.organization)
    known = _held(hosts)
    states = judge(targets, known)
    while accept_shared and SHARED in states[len(old) :]:
        taken = [ACCEPTED if state == SHARED else state for state in states[len(old) :]]
        targets = [*old, *zip((host for host, _ in targets[len(old) :]), taken, strict=True)]
        states = judge(targets, known)
    for (host, _), state in list(zip(targets, states, strict=True))[len(old) :]:
        if state == SHARED:
            raise Invalid.of("targets", risk_of(host, hosts, known), _FIX)
    return states[len(old) :]


def states_of_many(targets: Sequence[Sequence[str]], organization: Organization) -> list[list[str]]:
    """The states in which the targets of new addresses begin, asked once for many of them. Unlike
    `states_of_new` this refuses nothing: SHARED is among them."""
    hosts = [[host_of(address) for address in addresses] for addresses in targets]
    want_lookups((host for some in hosts for host in some), organization)
    known = _held({host for some in hosts if len(set(some)) > 1 for host in some})
    return [judge([(host, str(CHECKING)) for host in some], known) for some in hosts]


_FIX = (
    "Choose an address with another mail server, or one that sends on to both; or an owner or manager accepts"
    " that risk."
)


def risk_of(host: str, others: Iterable[str], known: dict[str, Exchanges | None]) -> str:
    """The sentence that names what `host` shares with one of the others; "" for nothing."""
    found = (shared_exchange(host, other, known) for other in sorted(set(others)))
    return next((each.sentence for each in found if each is not None), "")


def _held(hosts: set[str]) -> dict[str, Exchanges | None]:
    """What is known of the domains. Of several, nobody records an answer until this transaction ends: a
    target that waits for one is there when the addresses are looked at again because of it."""
    if len(hosts) < 2:
        return known_exchanges(facts_about(hosts))
    found: dict[str, Exchanges | None] = dict.fromkeys(hosts)
    names = sorted(hosts)
    for start in range(0, len(names), _AT_ONCE):
        rows = TargetDomain.objects.filter(name__in=names[start : start + _AT_ONCE]).order_by("name")
        found |= {row.name: exchanges_of(row) for row in rows.select_for_update()}
    return found


def reconsider(mailbox: Mailbox, *, afresh: bool = False) -> list[TargetAddress]:
    """Judge the targets of an address that is held again; returns those whose state changed.

    Mail that flows goes on flowing. With `afresh` nothing flows at the moment, and all but accepted risks
    are judged anew.
    """
    rows = list(mailbox.targets.order_by("pk"))
    if all(row.exchange == FREE for row in rows) and not (afresh and len({row.host for row in rows}) > 1):
        return []
    states = [CHECKING if afresh and row.exchange != ACCEPTED else row.exchange for row in rows]
    known = _held({row.host for row in rows})
    judged = judge([(row.host, state) for row, state in zip(rows, states, strict=True)], known)
    changed = []
    for row, state in zip(rows, judged, strict=True):
        if row.exchange != state:
            row.exchange = state
            row.save(update_fields=["exchange"])
            changed.append(row)
    return changed


def judge_aliases(alias_ids: Iterable[int]) -> None:
    """Say anew which target domains the entries of these aliases hold together: own targets first, then
    those of the mailboxes that they deliver to. What flows goes on flowing."""
    aliases = list(Mailbox.objects.filter(pk__in=list(alias_ids), deliveries__isnull=False).distinct())
    if not aliases:
        return
    ids = [alias.pk for alias in aliases]
    hosts: dict[int, dict[str, str]] = {pk: {} for pk in ids}
    own = TargetAddress.objects.filter(mailbox__in=ids).order_by("pk")
    for alias_id, host, state in own.values_list("mailbox_id", "host", "exchange"):
        if state in FLOWS:
            hosts[alias_id][host] = FREE
    theirs = TargetAddress.objects.filter(
        mailbox__fed_by__alias__in=ids, mailbox__trashed_at=None, exchange__in=FLOWS
    )
    in_order = theirs.order_by("mailbox__fed_by__pk", "pk")
    for alias_id, host in in_order.values_list("mailbox__fed_by__alias_id", "host"):
        hosts[alias_id].setdefault(host, CHECKING)
    known = _held({host for each in hosts.values() for host in each})
    changed = []
    for alias in aliases:
        flows = set(alias.flowing_hosts)
        targets = [(host, FREE if host in flows else state) for host, state in hosts[alias.pk].items()]
        judged = zip(targets, judge(targets, known), strict=True)
        together = [host for (host, _), state in judged if state in FLOWS]
        if together != alias.flowing_hosts:
            alias.flowing_hosts = together
            changed.append(alias)
    Mailbox.objects.bulk_update(changed, ["flowing_hosts"], batch_size=_AT_ONCE)


def flowing(rows: Iterable[TargetAddress]) -> list[TargetAddress]:
    """The targets that are written outside once they are confirmed."""
    return [row for row in rows if row.exchange in FLOWS]
