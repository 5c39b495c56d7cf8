"""What somebody is in a place: their rank in an organization, their roles on a domain, and whether the
organization is suspended, so that its people look and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db.models import QuerySet

from tenants import models as m
from tenants.access.table import ON_DOMAIN, Kind, Role, Verb, verbs_of
from tenants.actor import Actor

_asked: ContextVar[dict[Any, Any] | None] = ContextVar("asked", default=None)
FoundT = TypeVar("FoundT")
WhoT = TypeVar("WhoT", Actor, m.Account)


@contextmanager
def asking_once() -> Iterator[None]:
    """Inside, each rank is looked up once: for actions that treat many things of one organization."""
    token = _asked.set({})
    try:
        yield
    finally:
        _asked.reset(token)


def _once(find: Callable[[WhoT, int | None], FoundT], who: WhoT, place: int | None) -> FoundT:
    known = _asked.get()
    if known is None:
        return find(who, place)
    key = (find, who, place)
    if key not in known:
        known[key] = find(who, place)
    found: FoundT = known[key]
    return found


def role_in(actor: Actor, organization_id: int | None) -> Role:
    """The actor's rank in one organization."""
    return _once(_role_in, actor, organization_id)


def _role_in(actor: Actor, organization_id: int | None) -> Role:
    if actor.organization_id is not None and organization_id != actor.organization_id:
        return Role.STRANGER
    if actor.is_operator:
        return Role.OPERATOR
    if actor.account is None or not actor.account.is_active or organization_id is None:
        return Role.STRANGER
    role = (
        m.Membership.objects.filter(account=actor.account, organization_id=organization_id)
        .values_list("role", flat=True)
        .first()
    )
    return Role(role) if role else Role.STRANGER


def domain_roles_of(actor: Actor) -> QuerySet[m.DomainRole]:
    """The roles on domains that the actor has, as far as a token reaches."""
    if actor.account is None or not actor.account.is_active:
        return m.DomainRole.objects.none()
    rows = m.DomainRole.objects.filter(account=actor.account)
    if actor.organization_id is not None:
        rows = rows.filter(domain__organization=actor.organization_id)
    return rows if actor.domain_id is None else rows.filter(domain=actor.domain_id)


def has_domain_roles(account: m.Account | None) -> bool:
    """Has this person a role on any domain? Most have none, and then nothing more is asked."""
    return account is not None and _once(_has_domain_roles, account, None)


def _has_domain_roles(account: m.Account, _: int | None) -> bool:
    return m.DomainRole.objects.filter(account=account).exists()


def domains_where(actor: Actor, verb: Verb, kind: Kind) -> QuerySet[m.DomainRole]:
    """Of these, those by which the actor may do `verb` to things of this kind in the domain."""
    roles = [role.value for role in ON_DOMAIN if verb in verbs_of(role, kind)]
    return domain_roles_of(actor).filter(role__in=roles)


def is_halted(actor: Actor, organization_id: int | None) -> bool:
    """Is the organization suspended, and the actor one of those who may change nothing in it then?

    Operators change what must be changed, and Rookery itself goes on: what was asked for before is kept
    in agreement, so that mail flows as it did.
    """
    return (
        organization_id is not None and not actor.is_operator and _once(_is_suspended, actor, organization_id)
    )


def _is_suspended(actor: Actor, organization_id: int | None) -> bool:
    return m.Organization.objects.filter(pk=organization_id or 0, suspended_at__isnull=False).exists()
