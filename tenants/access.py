"""Who may do what: one table of role × verb × kind for the web, the API and every queryset.

A token may what its account may, narrowed to an organization, a domain, kinds and verbs; never more.

Default deny. A rank is always held *in an organization*; the only rank outside is the operator's. What an
actor may not see does not exist for it: absent and foreign give the same `Absent`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from tenants import models as m
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden


class Verb(StrEnum):
    VIEW = "see"
    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    DECIDE = "decide"
    MANAGE = "manage"


class Kind(StrEnum):
    ORGANIZATION = "organization"
    MEMBERSHIP = "membership"
    DOMAIN = "domain"
    MAILBOX = "mailbox"
    REQUEST = "address request"
    REPOSITORY = "repository"
    SYNC_TARGET = "sync target"
    RUN = "run"
    EVENT = "event"


class Role(StrEnum):
    OPERATOR = "operator"
    OWNER = "owner"
    MANAGER = "manager"
    VIEWER = "viewer"
    HOLDER = "holder"
    STRANGER = "stranger"


V = Verb
ALL = frozenset(Verb)
SEE = frozenset({V.VIEW})
EDIT = frozenset({V.VIEW, V.CREATE, V.CHANGE, V.DELETE})
# Of an address: switching it off and on, and the note about it. Its holder may do neither.
RUN_IT = EDIT | {V.MANAGE}

# A person who holds a mailbox sees that one mailbox and changes its passphrase and targets; everything else
# comes from membership.
TABLE: dict[Role, dict[Kind, frozenset[Verb]]] = {
    Role.OPERATOR: dict.fromkeys(Kind, ALL),
    Role.OWNER: {
        Kind.ORGANIZATION: frozenset({V.VIEW, V.CHANGE}),
        Kind.MEMBERSHIP: EDIT,
        Kind.DOMAIN: EDIT,
        Kind.MAILBOX: RUN_IT,
        Kind.REQUEST: frozenset({V.VIEW, V.DECIDE}),
        Kind.REPOSITORY: EDIT,
        Kind.SYNC_TARGET: frozenset({V.VIEW, V.CHANGE, V.DECIDE}),
        Kind.RUN: frozenset({V.VIEW, V.CREATE}),
        Kind.EVENT: SEE,
    },
    Role.MANAGER: {
        Kind.ORGANIZATION: SEE,
        Kind.MEMBERSHIP: SEE,
        Kind.DOMAIN: SEE,
        Kind.MAILBOX: RUN_IT,
        Kind.REQUEST: frozenset({V.VIEW, V.DECIDE}),
        Kind.REPOSITORY: SEE,
        Kind.SYNC_TARGET: SEE,
        Kind.RUN: frozenset({V.VIEW, V.CREATE}),
        Kind.EVENT: SEE,
    },
    Role.VIEWER: dict.fromkeys(
        (
            Kind.ORGANIZATION,
            Kind.MEMBERSHIP,
            Kind.DOMAIN,
            Kind.MAILBOX,
            Kind.REQUEST,
            Kind.REPOSITORY,
            Kind.SYNC_TARGET,
            Kind.RUN,
            Kind.EVENT,
        ),
        SEE,
    ),
    Role.HOLDER: {Kind.MAILBOX: frozenset({V.VIEW, V.CHANGE})},
    Role.STRANGER: {},
}

# Where each kind's organization and mailbox are found, seen from its own rows.
_KINDS: dict[type[Model], Kind] = {
    m.Organization: Kind.ORGANIZATION,
    m.Membership: Kind.MEMBERSHIP,
    m.Domain: Kind.DOMAIN,
    m.Mailbox: Kind.MAILBOX,
    m.AddressRequest: Kind.REQUEST,
    m.Repository: Kind.REPOSITORY,
    m.SyncTarget: Kind.SYNC_TARGET,
    m.Run: Kind.RUN,
    m.Event: Kind.EVENT,
}
_ORGANIZATION_PATH: dict[Kind, str] = {
    Kind.ORGANIZATION: "pk",
    Kind.MEMBERSHIP: "organization_id",
    Kind.DOMAIN: "organization_id",
    Kind.MAILBOX: "domain__organization_id",
    Kind.REQUEST: "domain__organization_id",
    Kind.REPOSITORY: "organization_id",
    Kind.SYNC_TARGET: "organization_id",
    Kind.RUN: "organization_id",
    Kind.EVENT: "organization_id",
}

_DOMAIN_PATH: dict[Kind, str] = {
    Kind.DOMAIN: "pk",
    Kind.MAILBOX: "domain_id",
    Kind.REQUEST: "domain_id",
    Kind.REPOSITORY: "domain_id",
    Kind.SYNC_TARGET: "repository__domain_id",
    Kind.RUN: "target__repository__domain_id",
    Kind.EVENT: "domain_id",
}
# What contains everything else may be seen by every token: addresses begin with it.
_CONTAINERS = frozenset({Kind.ORGANIZATION, Kind.DOMAIN})

ModelT = TypeVar("ModelT", bound=Model)


def organization_id_of(thing: Model) -> int | None:
    """The id of the organization that `thing` belongs to."""
    if isinstance(thing, m.Organization):
        return thing.pk
    value: Any = thing
    for step in _ORGANIZATION_PATH[_KINDS[type(thing)]].split("__"):
        value = getattr(value, step)
    return value if isinstance(value, int) else None


def _step(thing: Any, path: str) -> Any:
    for step in path.split("__"):
        thing = getattr(thing, step) if thing is not None else None
    return thing


def _knows(actor: Actor, kind: Kind) -> bool:
    """Does the token know things of this kind at all?"""
    return not actor.kinds or kind in actor.kinds or kind in _CONTAINERS


def _may_here(actor: Actor, verb: Verb, kind: Kind) -> bool:
    """Does the scope of the token leave `verb` on this kind? Whether its person may is another question."""
    if verb is Verb.VIEW:
        return _knows(actor, kind)
    if actor.read_only or (actor.verbs and verb not in actor.verbs):
        return False
    return not actor.kinds or kind in actor.kinds


def _is_within(actor: Actor, verb: Verb, thing: Model) -> bool:
    """Is the thing in the token's domain? Of the organization around that it sees the name."""
    if actor.domain_id is None:
        return True
    kind = _KINDS[type(thing)]
    if kind is Kind.ORGANIZATION:
        domains = m.Domain.objects.filter(pk=actor.domain_id, organization=thing.pk)
        return verb is Verb.VIEW and domains.exists()
    return kind in _DOMAIN_PATH and _step(thing, _DOMAIN_PATH[kind]) == actor.domain_id


def role_in(actor: Actor, organization_id: int | None) -> Role:
    """The actor's rank in one organization."""
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


def _verbs(role: Role, kind: Kind) -> frozenset[Verb]:
    return TABLE[role].get(kind, frozenset())


def may(actor: Actor, verb: Verb, thing: Model) -> bool:
    """May `actor` do `verb` to this row?"""
    kind = _KINDS[type(thing)]
    if not _may_here(actor, verb, kind) or not _is_within(actor, verb, thing):
        return False
    if verb in _verbs(role_in(actor, organization_id_of(thing)), kind):
        return True
    return verb in _verbs(Role.HOLDER, kind) and _holds(actor, thing)


def _holds(actor: Actor, thing: Model) -> bool:
    return (
        isinstance(thing, m.Mailbox)
        and actor.account is not None
        and actor.account.is_active
        and actor.organization_id in {None, organization_id_of(thing)}
        and thing.holder_id == actor.account.pk
        and thing.trashed_at is None
    )


def may_create(actor: Actor, kind: Kind, organization: m.Organization | None) -> bool:
    """May `actor` make a new `kind` in this organization? Organizations themselves are made by operators."""
    if not _may_here(actor, Verb.CREATE, kind):
        return False
    # In its domain a token makes things; those around it, it does not.
    if actor.domain_id is not None and (kind is Kind.DOMAIN or kind not in _DOMAIN_PATH):
        return False
    return Verb.CREATE in _verbs(role_in(actor, organization.pk if organization else None), kind)


def require(actor: Actor, verb: Verb, thing: Model) -> None:
    """Raise Absent for what the actor may not see, Forbidden for what it may not do."""
    if may(actor, verb, thing):
        return
    if verb is Verb.VIEW or not may(actor, Verb.VIEW, thing):
        raise Absent
    raise Forbidden(_refusal(actor, verb, _KINDS[type(thing)]))


def require_create(actor: Actor, kind: Kind, organization: m.Organization | None) -> None:
    if may_create(actor, kind, organization):
        return
    if organization is not None and not may(actor, Verb.VIEW, organization):
        raise Absent
    raise Forbidden(_refusal(actor, Verb.CREATE, kind))


_RANKS = (Role.STRANGER, Role.HOLDER, Role.VIEWER, Role.MANAGER, Role.OWNER, Role.OPERATOR)


def require_rank(actor: Actor, sign_in: str) -> None:
    """Refuse to lead the mail of `sign_in` elsewhere if an account of a higher rank signs in with it.

    Whoever reads the mail of a sign-in gets the links that sign in. Owning a domain is no right to act as an
    operator, or as the owner of something else, who has an address in it.
    """
    account = m.Account.objects.filter(email=sign_in.lower()).first()
    if account is None or actor.is_operator or account == actor.account:
        return
    theirs = m.Membership.objects.filter(account=account).values_list("organization_id", "role")
    higher = account.is_staff or any(
        _RANKS.index(Role(role)) > _RANKS.index(role_in(actor, organization_id))
        for organization_id, role in theirs
    )
    if higher:
        raise Forbidden(
            f"{sign_in} is how somebody signs in here who may do things that you may not: its mail could"
            " sign you in as them. Ask an operator."
        )


def _refusal(actor: Actor, verb: Verb, kind: Kind) -> str:
    if actor.read_only:
        return "This token may only read. Use one that may write."
    if actor.domain_id is not None or not _may_here(actor, verb, kind):
        return f"This token may not {verb.value} this {kind.value}. Use one that may."
    who = " or ".join(role.value for role in (Role.OWNER, Role.MANAGER) if verb in _verbs(role, kind))
    return f"You may not {verb.value} this {kind.value}. Ask an {who or 'operator'}."


def visible_to(actor: Actor, model: type[ModelT]) -> QuerySet[ModelT]:
    """The rows of `model` that exist for `actor`; nothing for the unknown."""
    kind = _KINDS[model]
    rows: QuerySet[ModelT] = model._default_manager.all()
    path = _ORGANIZATION_PATH[kind]
    if actor.organization_id is not None:
        rows = rows.filter(**{path: actor.organization_id})
    if not _knows(actor, kind):
        return rows.none()
    if actor.domain_id is not None:
        if kind is Kind.ORGANIZATION:
            rows = rows.filter(domains=actor.domain_id)
        elif kind in _DOMAIN_PATH:
            rows = rows.filter(**{_DOMAIN_PATH[kind]: actor.domain_id})
        else:
            return rows.none()
    if actor.is_operator:
        return rows
    if actor.account is None or not actor.account.is_active:
        return rows.none()
    roles = [role.value for role in Role if Verb.VIEW in _verbs(role, kind)]
    mine = m.Membership.objects.filter(account=actor.account, role__in=roles).values("organization_id")
    seen = Q(**{f"{path}__in": mine})
    if kind is Kind.MAILBOX:
        seen |= Q(holder=actor.account, trashed_at__isnull=True)
    return rows.filter(seen)


def get(actor: Actor, model: type[ModelT], verb: Verb = Verb.VIEW, **lookup: Any) -> ModelT:
    """Fetch one row and check `verb` in one step; Absent for the absent and the foreign alike."""
    thing = visible_to(actor, model).filter(**lookup).first()
    if thing is None:
        raise Absent
    require(actor, verb, thing)
    return thing
