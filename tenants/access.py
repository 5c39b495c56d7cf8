"""Who may do what: one table of role × verb × kind for the web, the API and every queryset.

A token may what its account may, narrowed to an organization, a domain, kinds and verbs; never more.

Default deny. A rank is always held *in an organization*; the only rank outside is the operator's. What an
actor may not see does not exist for it: absent and foreign give the same `Absent`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
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
    SWITCH = "switch"
    MANAGE = "manage"


class Kind(StrEnum):
    ORGANIZATION = "organization"
    MEMBERSHIP = "membership"
    DOMAIN = "domain"
    MAILBOX = "mailbox"
    OWN_ALIAS = "alias of one's own"
    HELD_NAME = "held name"
    REQUEST = "address request"
    INVITATION = "invitation"
    REPOSITORY = "repository"
    SYNC_TARGET = "sync target"
    RUN = "run"
    EVENT = "event"
    ZONE = "zone"
    TSIG_KEY = "key"
    SIGNING_KEY = "signing key"
    NAME_SERVER = "name server"
    HOST = "host"
    HOST_SHARE = "part of a host"
    FIREWALL = "firewall"
    PREPARATION = "preparation of a host"
    IMAGE = "image"
    UNIKERNEL = "unikernel"
    STACK = "mail stack"


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
# Of an address: switching it off and on, who holds it, and the team's note about it.
RUN_IT = EDIT | {V.SWITCH, V.MANAGE}

# A person who holds a mailbox sees that one mailbox, changes its passphrase and targets, switches and deletes
# it, and runs the aliases that were made for it; everything else comes from membership.
TABLE: dict[Role, dict[Kind, frozenset[Verb]]] = {
    Role.OPERATOR: dict.fromkeys(Kind, ALL),
    Role.OWNER: {
        Kind.ORGANIZATION: frozenset({V.VIEW, V.CHANGE}),
        Kind.MEMBERSHIP: EDIT,
        Kind.DOMAIN: EDIT,
        Kind.MAILBOX: RUN_IT,
        Kind.HELD_NAME: EDIT,
        Kind.REQUEST: frozenset({V.VIEW, V.DECIDE}),
        Kind.INVITATION: EDIT,
        Kind.REPOSITORY: EDIT,
        Kind.SYNC_TARGET: frozenset({V.VIEW, V.CHANGE, V.DECIDE}),
        Kind.RUN: frozenset({V.VIEW, V.CREATE}),
        Kind.EVENT: SEE,
        Kind.ZONE: EDIT,
        Kind.TSIG_KEY: EDIT,
        Kind.SIGNING_KEY: EDIT,
        Kind.NAME_SERVER: EDIT,
        Kind.HOST: EDIT,
        Kind.HOST_SHARE: SEE,
        Kind.FIREWALL: SEE,
        Kind.PREPARATION: SEE,
        Kind.IMAGE: EDIT,
        Kind.UNIKERNEL: EDIT | {V.SWITCH},
        Kind.STACK: EDIT | {V.SWITCH, V.DECIDE},
    },
    Role.MANAGER: {
        Kind.ORGANIZATION: SEE,
        Kind.MEMBERSHIP: SEE,
        Kind.DOMAIN: SEE,
        Kind.MAILBOX: RUN_IT,
        Kind.HELD_NAME: frozenset({V.VIEW, V.CREATE}),
        Kind.REQUEST: frozenset({V.VIEW, V.DECIDE}),
        Kind.INVITATION: EDIT,
        Kind.REPOSITORY: SEE,
        Kind.SYNC_TARGET: SEE,
        Kind.RUN: frozenset({V.VIEW, V.CREATE}),
        Kind.EVENT: SEE,
        Kind.ZONE: SEE,
        Kind.TSIG_KEY: SEE,
        Kind.SIGNING_KEY: SEE,
        Kind.NAME_SERVER: SEE,
        Kind.HOST: SEE,
        Kind.HOST_SHARE: SEE,
        Kind.FIREWALL: SEE,
        Kind.PREPARATION: SEE,
        Kind.IMAGE: SEE,
        Kind.UNIKERNEL: frozenset({V.VIEW, V.SWITCH}),
        Kind.STACK: SEE,
    },
    Role.VIEWER: dict.fromkeys(
        (
            Kind.ORGANIZATION,
            Kind.MEMBERSHIP,
            Kind.DOMAIN,
            Kind.MAILBOX,
            Kind.HELD_NAME,
            Kind.REQUEST,
            Kind.INVITATION,
            Kind.REPOSITORY,
            Kind.SYNC_TARGET,
            Kind.RUN,
            Kind.EVENT,
            Kind.ZONE,
            Kind.TSIG_KEY,
            Kind.SIGNING_KEY,
            Kind.NAME_SERVER,
            Kind.HOST,
            Kind.HOST_SHARE,
            Kind.FIREWALL,
            Kind.PREPARATION,
            Kind.IMAGE,
            Kind.UNIKERNEL,
            Kind.STACK,
        ),
        SEE,
    ),
    Role.HOLDER: {
        Kind.MAILBOX: frozenset({V.VIEW, V.CHANGE, V.SWITCH, V.DELETE}),
        Kind.OWN_ALIAS: RUN_IT,
    },
    Role.STRANGER: {},
}

# Where each kind's organization and mailbox are found, seen from its own rows.
_KINDS: dict[type[Model], Kind] = {
    m.Organization: Kind.ORGANIZATION,
    m.Membership: Kind.MEMBERSHIP,
    m.Domain: Kind.DOMAIN,
    m.Mailbox: Kind.MAILBOX,
    m.HeldName: Kind.HELD_NAME,
    m.AddressRequest: Kind.REQUEST,
    m.Invitation: Kind.INVITATION,
    m.Repository: Kind.REPOSITORY,
    m.SyncTarget: Kind.SYNC_TARGET,
    m.Run: Kind.RUN,
    m.Event: Kind.EVENT,
    m.Zone: Kind.ZONE,
    m.TsigKey: Kind.TSIG_KEY,
    m.SigningKey: Kind.SIGNING_KEY,
    m.UpdateServer: Kind.NAME_SERVER,
    m.Host: Kind.HOST,
    m.HostShare: Kind.HOST_SHARE,
    m.Firewall: Kind.FIREWALL,
    m.HostPreparation: Kind.PREPARATION,
    m.Image: Kind.IMAGE,
    m.ImageFetch: Kind.IMAGE,
    m.Unikernel: Kind.UNIKERNEL,
    m.Volume: Kind.UNIKERNEL,
    m.Stack: Kind.STACK,
}
_ORGANIZATION_PATH: dict[Kind, str] = {
    Kind.ORGANIZATION: "pk",
    Kind.MEMBERSHIP: "organization_id",
    Kind.DOMAIN: "organization_id",
    Kind.MAILBOX: "domain__organization_id",
    Kind.HELD_NAME: "domain__organization_id",
    Kind.REQUEST: "domain__organization_id",
    Kind.INVITATION: "domain__organization_id",
    Kind.REPOSITORY: "organization_id",
    Kind.SYNC_TARGET: "organization_id",
    Kind.RUN: "organization_id",
    Kind.EVENT: "organization_id",
    Kind.ZONE: "domain__organization_id",
    Kind.TSIG_KEY: "repository__organization_id",
    Kind.SIGNING_KEY: "domain__organization_id",
    Kind.NAME_SERVER: "organization_id",
    Kind.HOST: "organization_id",
    Kind.HOST_SHARE: "organization_id",
    Kind.FIREWALL: "host__organization_id",
    Kind.PREPARATION: "host__organization_id",
    Kind.IMAGE: "organization_id",
    Kind.UNIKERNEL: "share__organization_id",
    Kind.STACK: "domain__organization_id",
}

_DOMAIN_PATH: dict[Kind, str] = {
    Kind.DOMAIN: "pk",
    Kind.MAILBOX: "domain_id",
    Kind.HELD_NAME: "domain_id",
    Kind.REQUEST: "domain_id",
    Kind.INVITATION: "domain_id",
    Kind.REPOSITORY: "domain_id",
    Kind.SYNC_TARGET: "repository__domain_id",
    Kind.RUN: "target__repository__domain_id",
    Kind.EVENT: "domain_id",
    Kind.ZONE: "domain_id",
    Kind.TSIG_KEY: "zone__domain_id",
    Kind.STACK: "domain_id",
    Kind.SIGNING_KEY: "domain_id",
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


_asked: ContextVar[dict[tuple[Any, int | None], Role] | None] = ContextVar("asked", default=None)


@contextmanager
def asking_once() -> Iterator[None]:
    """Inside, each rank is looked up once: for actions that treat many things of one organization."""
    token = _asked.set({})
    try:
        yield
    finally:
        _asked.reset(token)


def _step(thing: Any, path: str) -> Any:
    for step in path.split("__"):
        thing = getattr(thing, step) if thing is not None else None
    return thing


def knows(actor: Actor, kind: Kind) -> bool:
    """Does the token know things of this kind at all?"""
    return not actor.kinds or kind in actor.kinds or kind in _CONTAINERS


def _may_here(actor: Actor, verb: Verb, kind: Kind) -> bool:
    """Does the scope of the token leave `verb` on this kind? Whether its person may is another question."""
    if verb is Verb.VIEW:
        return knows(actor, kind)
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


def require_scope(actor: Actor, verb: Verb, kind: Kind) -> None:
    """Raise Forbidden where the actor is a token whose scope leaves no such verb, though its person may."""
    is_around = actor.domain_id is not None and kind not in _DOMAIN_PATH
    if is_around or not _may_here(actor, verb, kind):
        raise Forbidden(_refusal(actor, verb, kind))


def require_no_domain(actor: Actor) -> None:
    """Raise Forbidden for a token of one domain, where something of several is to be made."""
    if actor.domain_id is not None:
        raise Forbidden("This token is for one domain, and that is for several. Use one that may.")


def role_in(actor: Actor, organization_id: int | None) -> Role:
    """The actor's rank in one organization."""
    known = _asked.get()
    if known is None:
        return _role_in(actor, organization_id)
    key = (actor, organization_id)
    if key not in known:
        known[key] = _role_in(actor, organization_id)
    return known[key]


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


def _verbs(role: Role, kind: Kind) -> frozenset[Verb]:
    return TABLE[role].get(kind, frozenset())


def roles_that(verb: Verb, kind: Kind) -> list[str]:
    """The roles which may do `verb` to this kind."""
    return [role.value for role in Role if verb in _verbs(role, kind)]


def may(actor: Actor, verb: Verb, thing: Model) -> bool:
    """May `actor` do `verb` to this row?"""
    kind = _KINDS[type(thing)]
    if not _may_here(actor, verb, kind) or not _is_within(actor, verb, thing):
        return False
    if verb in _verbs(role_in(actor, organization_id_of(thing)), kind):
        return True
    if isinstance(thing, m.Image):
        return verb is Verb.VIEW and thing.shared and _is_member(actor)
    return isinstance(thing, m.Mailbox) and (
        (verb in _verbs(Role.HOLDER, kind) and holds(actor, thing))
        or (verb in _verbs(Role.HOLDER, Kind.OWN_ALIAS) and holds_own_alias(actor, thing))
    )


def _is_member(actor: Actor) -> bool:
    """Of any organization; what is shared with all is for them, and not for strangers."""
    if actor.account is None or not actor.account.is_active:
        return False
    rows = m.Membership.objects.filter(account=actor.account)
    if actor.organization_id is not None:
        rows = rows.filter(organization=actor.organization_id)
    return rows.exists()


def held_mailboxes(actor: Actor) -> QuerySet[m.Mailbox]:
    """The addresses that `actor` holds; none of those in the trash."""
    rows = m.Mailbox.objects.filter(trashed_at=None)
    if actor.account is None or not actor.account.is_active or not knows(actor, Kind.MAILBOX):
        return rows.none()
    if actor.organization_id is not None:
        rows = rows.filter(domain__organization=actor.organization_id)
    if actor.domain_id is not None:
        rows = rows.filter(domain=actor.domain_id)
    # Not a join: no row comes twice, and the database reads the person's few holdings once.
    return rows.filter(pk__in=m.Holding.objects.filter(account=actor.account).values("mailbox_id"))


def people_who_hold(mailbox: m.Mailbox) -> list[m.Account]:
    """Those who hold this address, or for whose mailbox this alias was made, and may sign in; the first one
    first."""
    rows = m.Account.objects.filter(holdings__mailbox=mailbox.made_for or mailbox, is_active=True)
    return list(rows.order_by("holdings__since", "holdings__pk"))


def holds(actor: Actor, mailbox: m.Mailbox) -> bool:
    """Does the actor's account hold this address? Not while it is in the trash."""
    return (
        actor.account is not None
        and actor.account.is_active
        and actor.organization_id in {None, organization_id_of(mailbox)}
        and actor.domain_id in {None, mailbox.domain_id}
        and mailbox.trashed_at is None
        and m.Holding.objects.filter(mailbox=mailbox, account=actor.account).exists()
    )


def holds_own_alias(actor: Actor, alias: m.Mailbox) -> bool:
    """Was this alias made for a mailbox that the actor holds?"""
    return alias.made_for is not None and alias.trashed_at is None and holds(actor, alias.made_for)


def is_team(actor: Actor, mailbox: m.Mailbox) -> bool:
    """Does the actor run addresses of this domain by rank, whoever holds this one?"""
    return V.MANAGE in _verbs(role_in(actor, organization_id_of(mailbox)), Kind.MAILBOX)


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


# SQLite takes a bounded number of parameters.
_AT_ONCE = 500
_RANKS = (Role.STRANGER, Role.HOLDER, Role.VIEWER, Role.MANAGER, Role.OWNER, Role.OPERATOR)


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
    theirs = [
        (organization_id, Role(role))
        for organization_id, role in m.Membership.objects.filter(account=account).values_list(
            "organization_id", "role"
        )
    ]
    held = m.Holding.objects.filter(account=account, mailbox__trashed_at=None)
    theirs += [
        (organization_id, Role.HOLDER)
        for organization_id in held.values_list("mailbox__domain__organization_id", flat=True).distinct()
    ]
    return account.is_staff or any(
        _RANKS.index(role) > _RANKS.index(role_in(actor, organization_id)) for organization_id, role in theirs
    )


def _is_held_above(actor: Actor, mailbox: m.Mailbox) -> bool:
    return _held_above(actor, organization_id_of(mailbox)).filter(mailbox=mailbox).exists()


def _held_above(actor: Actor, organization_id: int | None) -> QuerySet[m.Holding]:
    """Holdings in an organization of people who rank above the actor in it, without what the actor shares."""
    mine = _RANKS.index(role_in(actor, organization_id))
    roles = [role.value for role in _RANKS[mine + 1 :]]
    above = m.Membership.objects.filter(organization=organization_id, role__in=roles).values("account_id")
    shared = m.Holding.objects.filter(account=actor.account) if actor.account else m.Holding.objects.none()
    return m.Holding.objects.filter(
        Q(account__in=above) | Q(account__is_staff=True), mailbox__domain__organization=organization_id
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
    shared = Q(shared=True) if model is m.Image and _is_member(actor) else Q()
    if actor.organization_id is not None:
        rows = rows.filter(Q(**{path: actor.organization_id}) | shared)
    if not knows(actor, kind):
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
    mine = m.Membership.objects.filter(account=actor.account, role__in=roles_that(Verb.VIEW, kind))
    seen = Q(**{f"{path}__in": mine.values("organization_id")}) | shared
    if kind is Kind.MAILBOX:
        held = held_mailboxes(actor).values("pk")
        seen |= Q(pk__in=held) | Q(made_for__in=held, trashed_at=None)
    return rows.filter(seen)


def get(actor: Actor, model: type[ModelT], verb: Verb = Verb.VIEW, **lookup: Any) -> ModelT:
    """Fetch one row and check `verb` in one step; Absent for the absent and the foreign alike."""
    thing = visible_to(actor, model).filter(**lookup).first()
    if thing is None:
        raise Absent
    require(actor, verb, thing)
    return thing
