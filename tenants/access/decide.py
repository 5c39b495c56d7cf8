"""The answers: may this actor do that to this row, and which rows exist for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from tenants import models as m
from tenants.access.holding import held_mailboxes, holds, holds_own_alias, lent_to
from tenants.access.places import (
    DOMAIN_PATHS,
    KINDS,
    ORGANIZATION_PATH,
    domains_of,
    in_domains,
    organization_id_of,
)
from tenants.access.scope import is_within, knows, leaves, refusal
from tenants.access.standing import (
    domain_roles_of,
    domains_where,
    has_domain_roles,
    is_halted,
    role_in,
)
from tenants.access.table import Kind, Role, Verb, roles_that, verbs_of
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden

ModelT = TypeVar("ModelT", bound=Model)


def may(actor: Actor, verb: Verb, thing: Model) -> bool:
    """May `actor` do `verb` to this row?"""
    kind = KINDS[type(thing)]
    if not leaves(actor, verb, kind) or not is_within(actor, verb, thing):
        return False
    organization_id = organization_id_of(thing)
    if verb is not Verb.VIEW and is_halted(actor, organization_id):
        return False
    by_rank = verb in verbs_of(role_in(actor, organization_id), kind)
    if by_rank or is_given(actor, verb, kind, thing):
        return True
    return _may_without_rank(actor, verb, thing)


def _may_without_rank(actor: Actor, verb: Verb, thing: Model) -> bool:
    if isinstance(thing, m.Organization):
        return verb is Verb.VIEW and domain_roles_of(actor).filter(domain__organization=thing.pk).exists()
    if isinstance(thing, m.Image):
        return verb is Verb.VIEW and m.Image.objects.filter(lent_to(actor), pk=thing.pk).exists()
    return isinstance(thing, m.Mailbox) and (
        (verb in verbs_of(Role.HOLDER, Kind.MAILBOX) and holds(actor, thing))
        or (verb in verbs_of(Role.HOLDER, Kind.OWN_ALIAS) and holds_own_alias(actor, thing))
    )


def is_team(actor: Actor, mailbox: m.Mailbox) -> bool:
    """Does the actor run addresses of this domain by rank or role, whoever holds this one?"""
    by_rank = Verb.MANAGE in verbs_of(role_in(actor, organization_id_of(mailbox)), Kind.MAILBOX)
    return by_rank or is_given(actor, Verb.MANAGE, Kind.MAILBOX, mailbox)


def is_given(actor: Actor, verb: Verb, kind: Kind, thing: Model) -> bool:
    """May the actor by a role on the domain that `thing` belongs to, whatever their rank around it?"""
    if kind not in DOMAIN_PATHS or not has_domain_roles(actor.account):
        return False
    given = domains_where(actor, verb, kind)
    # Where a thing belongs may be a question of its own.
    return given.exists() and given.filter(domain__in=domains_of(thing)).exists()


Home = m.Organization | m.Domain | None


def may_create(actor: Actor, kind: Kind, home: Home) -> bool:
    """May `actor` make a new `kind` there? Organizations themselves are made by operators.

    What belongs to a domain is asked of that domain, where its organization's rank or a role on it decides.
    """
    if not leaves(actor, Verb.CREATE, kind):
        return False
    # In its domain a token makes things; those around it, it does not.
    if actor.domain_id is not None and (kind is Kind.DOMAIN or kind not in DOMAIN_PATHS):
        return False
    organization_id = organization_id_of(home) if home is not None else None
    if is_halted(actor, organization_id):
        return False
    if Verb.CREATE in verbs_of(role_in(actor, organization_id), kind):
        return True
    return isinstance(home, m.Domain) and is_given(actor, Verb.CREATE, kind, home)


def require(actor: Actor, verb: Verb, thing: Model) -> None:
    """Raise Absent for what the actor may not see, Forbidden for what it may not do."""
    if may(actor, verb, thing):
        return
    if verb is Verb.VIEW or not may(actor, Verb.VIEW, thing):
        raise Absent
    require_not_halted(actor, organization_id_of(thing))
    raise Forbidden(refusal(actor, verb, KINDS[type(thing)]))


def require_create(actor: Actor, kind: Kind, home: Home) -> None:
    if may_create(actor, kind, home):
        return
    if home is not None and not may(actor, Verb.VIEW, home):
        raise Absent
    if home is not None:
        require_not_halted(actor, organization_id_of(home))
    raise Forbidden(refusal(actor, Verb.CREATE, kind))


def seen_inside(actor: Actor, organizations: Iterable[m.Organization]) -> set[int]:
    """The ids of those into which the actor sees. Of the others, which are around a domain in which they have
    a part or which is all that a token knows, they see what they are called, and whether they are suspended.
    """
    ids = {each.pk for each in organizations}
    if actor.account is None or actor.domain_id is not None:
        return set()
    if actor.is_operator:
        return ids
    mine = m.Membership.objects.filter(account=actor.account, organization__in=ids)
    return set(mine.values_list("organization_id", flat=True))


def require_view_of(actor: Actor, kind: Kind, home: m.Domain) -> None:
    """Raise Forbidden where the actor sees the domain, but by nothing of theirs things of this kind in it."""
    require(actor, Verb.VIEW, home)
    if not _sees_all(actor, kind, home):
        raise Forbidden(refusal(actor, Verb.VIEW, kind))


def _sees_all(actor: Actor, kind: Kind, home: m.Domain) -> bool:
    """Does the actor see each thing of this kind in the domain?"""
    if not leaves(actor, Verb.VIEW, kind) or not is_within(actor, Verb.VIEW, home):
        return False
    by_rank = Verb.VIEW in verbs_of(role_in(actor, home.organization_id), kind)
    return by_rank or is_given(actor, Verb.VIEW, kind, home)


def require_not_halted(actor: Actor, organization_id: int | None) -> None:
    """Raise Forbidden, with the reason, for those who may change nothing in a suspended organization."""
    if not is_halted(actor, organization_id):
        return
    row = m.Organization.objects.get(pk=organization_id or 0)
    raise Forbidden(
        f"{row} is suspended: {row.suspended_because.rstrip('.')}. Its mail goes on, but nothing can be"
        " changed. Ask an operator of this Rookery."
    )


def visible_to(actor: Actor, model: type[ModelT]) -> QuerySet[ModelT]:
    """The rows of `model` that exist for `actor`; nothing for the unknown."""
    kind = KINDS[model]
    rows: QuerySet[ModelT] = model._default_manager.all()
    path = ORGANIZATION_PATH[kind]
    shared = lent_to(actor) if model is m.Image else Q()
    if actor.organization_id is not None:
        rows = rows.filter(Q(**{path: actor.organization_id}) | shared)
    if not knows(actor, kind):
        return rows.none()
    if actor.domain_id is not None:
        if kind is Kind.ORGANIZATION:
            rows = rows.filter(domains=actor.domain_id)
        elif kind in DOMAIN_PATHS:
            rows = rows.filter(in_domains(kind, [actor.domain_id]))
        else:
            return rows.none()
    if actor.is_operator:
        return rows
    if actor.account is None or not actor.account.is_active:
        return rows.none()
    mine = m.Membership.objects.filter(account=actor.account, role__in=roles_that(Verb.VIEW, kind))
    seen = Q(**{f"{path}__in": mine.values("organization_id")}) | shared
    given = domains_where(actor, Verb.VIEW, kind)
    if kind is Kind.ORGANIZATION:
        seen |= Q(pk__in=given.values("domain__organization_id"))
    # Two ways in one question are slow where it is long.
    elif kind in DOMAIN_PATHS and has_domain_roles(actor.account) and given.exists():
        seen |= in_domains(kind, given.values("domain_id"))
    if kind is Kind.MAILBOX:
        held = held_mailboxes(actor).values("pk")
        seen |= Q(pk__in=held) | Q(made_for__in=held, trashed_at=None)
    return rows.filter(seen)


def mailboxes_in(actor: Actor, home: m.Domain) -> QuerySet[m.Mailbox]:
    """The mailboxes of one domain that exist for `actor`.

    Who sees all of them is asked first: the rows need no condition of their own then.
    """
    rows = m.Mailbox.objects if _sees_all(actor, Kind.MAILBOX, home) else visible_to(actor, m.Mailbox)
    return rows.filter(domain=home)


def get(actor: Actor, model: type[ModelT], verb: Verb = Verb.VIEW, **lookup: Any) -> ModelT:
    """Fetch one row and check `verb` in one step; Absent for the absent and the foreign alike."""
    thing = visible_to(actor, model).filter(**lookup).first()
    if thing is None:
        raise Absent
    require(actor, verb, thing)
    return thing
