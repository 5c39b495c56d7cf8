"""Nobody acts on an address whose mail could sign them in as somebody who may more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.models import Q, QuerySet

from tenants import models as m
from tenants.access.places import organization_id_of
from tenants.access.standing import domain_roles_of, domains_where, role_in
from tenants.access.table import ON_DOMAIN, TABLE, Kind, Role, Verb, verbs_of
from tenants.actor import Actor
from tenants.errors import Forbidden

# SQLite takes a bounded number of parameters.
_AT_ONCE = 500
RANKS = (Role.STRANGER, Role.HOLDER, Role.VIEWER, Role.MANAGER, Role.OWNER, Role.OPERATOR)


def require_rank(actor: Actor, address: str | m.Mailbox) -> None:
    """Refuse to act on an address that somebody of a higher rank signs in with, or holds.

    Whoever reads the mail of a sign-in gets the links that sign in. Owning a domain is no right to act as an
    operator, or as the owner of something else, whose sign-in is an address in it. Of an address that has its
    row, those who hold it count too, by their rank in its organization, unless the actor is one of them.
    """
    if actor.is_operator or _known_beneath(actor, str(address)):
        return
    if _signs_in_above(actor, str(address)):
        raise Forbidden(
            f"{address} is how somebody signs in here who may do things that you may not: its mail could"
            " sign you in as them. Ask an operator."
        )
    if isinstance(address, m.Mailbox) and _is_held_above(actor, address):
        raise Forbidden(
            f"{address} is held by somebody who may do here what you may not. Ask them, or an operator."
        )


def _signs_in_above(actor: Actor, sign_in: str) -> bool:
    account = m.Account.objects.filter(email=sign_in.lower()).first()
    if account is None or account == actor.account:
        return False
    if account.is_staff:
        return True
    ranks = m.Membership.objects.filter(account=account).values_list("organization_id", "role")
    if any(RANKS.index(Role(role)) > RANKS.index(role_in(actor, place)) for place, role in ranks):
        return True
    held = m.Holding.objects.filter(account=account, mailbox__trashed_at=None)
    places = held.values_list("mailbox__domain__organization_id", "mailbox__domain_id").distinct()
    if any(role_in(actor, place) is Role.STRANGER and not _runs(actor, domain) for place, domain in places):
        return True
    around = m.DomainRole.objects.filter(account=account).values_list("domain__organization_id", flat=True)
    return any(_roles_above(actor, place).filter(account=account).exists() for place in around.distinct())


def _runs(actor: Actor, domain_id: int) -> bool:
    """Does a role on the domain give the actor all that those who hold an address in it may do?"""
    return domains_where(actor, Verb.MANAGE, Kind.MAILBOX).filter(domain=domain_id).exists()


def _roles_above(actor: Actor, organization_id: int | None) -> QuerySet[m.DomainRole]:
    """Roles on domains of an organization that let somebody do what the actor may not."""
    rank = role_in(actor, organization_id)
    rows = m.DomainRole.objects.filter(
        domain__organization=organization_id, role__in=[role for role in ON_DOMAIN if not _covers(role, rank)]
    )
    own = domain_roles_of(actor).filter(domain__organization=organization_id)
    roles_on: dict[int, list[Role]] = {}
    for domain_id, role in own.values_list("domain_id", "role"):
        roles_on.setdefault(domain_id, []).append(Role(role))
    for domain_id, mine in roles_on.items():
        covered = [role for role in ON_DOMAIN if _covers(role, rank, *mine)]
        rows = rows.exclude(domain=domain_id, role__in=covered)
    return rows


def _covers(theirs: Role, *mine: Role) -> bool:
    """May somebody with these roles do all that `theirs` allows in the same place?"""
    return all(
        verbs <= frozenset().union(*(verbs_of(role, kind) for role in mine))
        for kind, verbs in TABLE[theirs].items()
    )


def _is_held_above(actor: Actor, mailbox: m.Mailbox) -> bool:
    return _held_above(actor, organization_id_of(mailbox)).filter(mailbox=mailbox).exists()


def _held_above(actor: Actor, organization_id: int | None) -> QuerySet[m.Holding]:
    """Holdings in an organization of people who rank above the actor in it, without what the actor shares."""
    mine = RANKS.index(role_in(actor, organization_id))
    roles = [role.value for role in RANKS[mine + 1 :]]
    above = m.Membership.objects.filter(organization=organization_id, role__in=roles).values("account_id")
    given = _roles_above(actor, organization_id).values("account_id")
    shared = m.Holding.objects.filter(account=actor.account) if actor.account else m.Holding.objects.none()
    return m.Holding.objects.filter(
        Q(account__in=above) | Q(account__in=given) | Q(account__is_staff=True),
        mailbox__domain__organization=organization_id,
    ).exclude(mailbox__in=shared.values("mailbox_id"))


def names_above(actor: Actor, domain: m.Domain, names: Sequence[str]) -> frozenset[str]:
    """Those local parts of a domain that `require_rank` would refuse: for lists, some queries for all."""
    if actor.is_operator:
        return frozenset()
    found: set[str] = set()
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        emails = {f"{name}@{domain.name}".lower(): name for name in some}
        known = m.Account.objects.filter(email__in=list(emails)).values_list("email", flat=True)
        found |= {emails[email] for email in known if _signs_in_above(actor, email)}
        held = _held_above(actor, domain.organization_id).filter(
            mailbox__domain=domain, mailbox__local_part__in=list(some)
        )
        found |= set(held.values_list("mailbox__local_part", flat=True))
    return frozenset(found)


_beneath: ContextVar[tuple[Actor, frozenset[str]] | None] = ContextVar("beneath", default=None)


@contextmanager
def ranks_known(actor: Actor, domain: m.Domain, names: Sequence[str]) -> Iterator[None]:
    """Inside, `require_rank` asks nothing about those of the names that it would let pass: for actions on
    many addresses of a domain that the caller holds."""
    above = names_above(actor, domain, names)
    token = _beneath.set((actor, frozenset(f"{name}@{domain.name}" for name in names if name not in above)))
    try:
        yield
    finally:
        _beneath.reset(token)


def _known_beneath(actor: Actor, address: str) -> bool:
    known = _beneath.get()
    return known is not None and known[0] == actor and address in known[1]
