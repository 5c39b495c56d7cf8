"""What a token leaves of what its person may: an organization, a domain, kinds and verbs; never more."""

from __future__ import annotations

from django.db.models import Model

from tenants import models as m
from tenants.access.places import DOMAIN_PATHS, KINDS, domains_of
from tenants.access.table import Kind, Role, Verb, verbs_of
from tenants.actor import Actor
from tenants.errors import Forbidden

# What contains everything else may be seen by every token: addresses begin with it.
CONTAINERS = frozenset({Kind.ORGANIZATION, Kind.DOMAIN})


def knows(actor: Actor, kind: Kind) -> bool:
    """Does the token know things of this kind at all?"""
    return not actor.kinds or kind in actor.kinds or kind in CONTAINERS


def leaves(actor: Actor, verb: Verb, kind: Kind) -> bool:
    """Does the scope of the token leave `verb` on this kind? Whether its person may is another question."""
    if verb is Verb.VIEW:
        return knows(actor, kind)
    if actor.read_only or (actor.verbs and verb not in actor.verbs):
        return False
    return not actor.kinds or kind in actor.kinds


def is_within(actor: Actor, verb: Verb, thing: Model) -> bool:
    """Is the thing in the token's domain? Of the organization around that it sees the name."""
    if actor.domain_id is None:
        return True
    kind = KINDS[type(thing)]
    if kind is Kind.ORGANIZATION:
        domains = m.Domain.objects.filter(pk=actor.domain_id, organization=thing.pk)
        return verb is Verb.VIEW and domains.exists()
    return actor.domain_id in domains_of(thing)


def require_scope(actor: Actor, verb: Verb, kind: Kind) -> None:
    """Raise Forbidden where the actor is a token whose scope leaves no such verb, though its person may."""
    is_around = actor.domain_id is not None and kind not in DOMAIN_PATHS
    if is_around or not leaves(actor, verb, kind):
        raise Forbidden(refusal(actor, verb, kind))


def require_no_domain(actor: Actor) -> None:
    """Raise Forbidden for a token of one domain, where something of several is to be made."""
    if actor.domain_id is not None:
        raise Forbidden("This token is for one domain, and that is for several. Use one that may.")


def refusal(actor: Actor, verb: Verb, kind: Kind) -> str:
    if actor.read_only:
        return "This token may only read. Use one that may write."
    if actor.domain_id is not None or not leaves(actor, verb, kind):
        return f"This token may not {verb.value} this {kind.value}. Use one that may."
    who = " or ".join(role.value for role in (Role.OWNER, Role.MANAGER) if verb in verbs_of(role, kind))
    return f"You may not {verb.value} this {kind.value}. Ask an {who or 'operator'}."
