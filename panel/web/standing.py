"""Rows → the facts that sentences are made of, in a constant number of queries for any number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from panel.web import sentences, times
from panel.web.address_state import WORDS, AddressStanding
from tenants import access
from tenants.actor import Actor
from tenants.address_states import decide_address_state
from tenants.bounded import counted
from tenants.formats.mail_checks import Level
from tenants.models import (
    AddressRequest,
    CheckLine,
    CheckMute,
    Condition,
    Domain,
    Mailbox,
    Membership,
    Run,
)
from tenants.relay_states import (
    Conditions,
    RelayState,
    address_facts,
    conditions_of,
    is_stopped,
    is_taken_up,
    relay_state,
    target_of,
)


def with_relay(domains: QuerySet[Domain]) -> QuerySet[Domain]:
    return domains.select_related("organization", "relay__sync_target").prefetch_related(
        "relay__sync_target__conditions"
    )


# Requests that somebody may decide ------------------------------------------------------------------


def _deciding_in(actor: Actor) -> QuerySet[Membership]:
    """The actor's own memberships whose role decides about requests."""
    roles = access.roles_that(access.Verb.DECIDE, access.Kind.REQUEST)
    return access.visible_to(actor, Membership).filter(account=actor.account, role__in=roles)


def decidable_requests(actor: Actor) -> QuerySet[AddressRequest]:
    """Requests that wait for a decision which `actor` may make."""
    waiting = access.visible_to(actor, AddressRequest).filter(status=AddressRequest.Status.CONFIRMED)
    if actor.is_operator:
        return waiting
    given = access.domains_where(actor, access.Verb.DECIDE, access.Kind.REQUEST)
    return waiting.filter(
        Q(domain__organization__in=_deciding_in(actor).values("organization"))
        | Q(domain__in=given.values("domain"))
    )


# Domains ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DomainRow:
    """One domain with what is true of it."""

    domain: Domain
    facts: sentences.DomainFacts
    standing: sentences.DomainStanding
    checked: times.Moment | None
    stopped_run_id: int | None

    @property
    def checked_at(self) -> datetime | None:
        """When the outside was compared last."""
        target = target_of(self.domain)
        return target.checked_at if target is not None else None


def with_counts(domains: QuerySet[Domain]) -> QuerySet[Domain]:
    """Annotate how many addresses, unconfirmed ones, waiting requests and wrong things there are (up to a
    bound), and the stopped run."""
    in_use = Mailbox.objects.filter(domain=OuterRef("pk"), trashed_at=None)
    waiting = AddressRequest.objects.filter(domain=OuterRef("pk"), status=AddressRequest.Status.CONFIRMED)
    stopped = Run.objects.filter(
        target__repository__domain=OuterRef("pk"), mode=Run.Mode.APPLY, state=Run.State.STOPPED
    )
    return with_relay(domains).annotate(
        address_count=counted(in_use),
        unconfirmed_count=counted(in_use.filter(enabled=True, reached=False)),
        request_count=counted(waiting),
        wrong_count=counted(_wrong_lines()),
        stopped_run=Subquery(stopped.order_by("-generation", "-pk").values("pk")[:1]),
    )


def _wrong_lines() -> QuerySet[CheckLine]:
    """Lines of a domain's checks that say that something is wrong, and that nobody muted."""
    muted = CheckMute.objects.filter(check_of=OuterRef("check_of"), line=OuterRef("line"), until__gt=Now())
    found = CheckLine.objects.filter(check_of__domain=OuterRef("pk"), level=Level.FAIL)
    return found.filter(~Exists(muted))


def domain_row(domain: Domain, now: datetime) -> DomainRow:
    """Judge a domain that was loaded by `with_counts`."""
    target, counts = target_of(domain), vars(domain)
    conditions = conditions_of(target)
    facts = sentences.DomainFacts(
        name=domain.name,
        addresses=counts["address_count"],
        unconfirmed=counts["unconfirmed_count"],
        requests=counts["request_count"],
        connected=target is not None,
        stop_code=target.stop_code if is_stopped(target) else "",
        stop_sentence=_message(conditions, Condition.Type.SYNCED),
        unreachable=_message(conditions, Condition.Type.REACHABLE),
        observed=target is not None and target.observed_generation >= target.generation,
        taken_up=is_taken_up(target, conditions),
        restart_by_hand=_is_true(conditions, Condition.Type.RELOAD_PENDING),
        changed_outside=sum(
            int(conditions[kind].details.get("count", 1))
            for kind in Condition.LEFT_ALONE
            if _is_true(conditions, kind)
        ),
        wrong=counts["wrong_count"],
        proved=times.ago(target.checked_at, now) if target and target.checked_at else "",
    )
    return DomainRow(
        domain=domain,
        facts=facts,
        standing=sentences.domain_standing(facts),
        checked=times.moment(target.checked_at, now, relative=True) if target else None,
        stopped_run_id=counts["stopped_run"],
    )


def _is_true(conditions: Conditions, kind: str) -> bool:
    return kind in conditions and conditions[kind].status


def _message(conditions: Conditions, kind: str) -> str:
    """Why a condition that should be true is not; empty while it is."""
    row = conditions.get(kind)
    return "" if row is None or row.status else row.message


# Addresses --------------------------------------------------------------------------------------------


def with_standing(mailboxes: QuerySet[Mailbox]) -> QuerySet[Mailbox]:
    """Load everything that `address_standing` reads, in a constant number of queries."""
    relay = "domain__relay__sync_target"
    rows = mailboxes.select_related("domain__organization", relay)
    return rows.prefetch_related("targets", f"{relay}__conditions")


def address_standing(mailbox: Mailbox, relay: RelayState | None = None) -> AddressStanding:
    """Of a mailbox loaded by `with_standing`; `relay` saves work where many share one."""
    relay = relay or relay_state(mailbox.domain)
    target = relay.target
    facts = address_facts(
        relay,
        local_part=mailbox.local_part,
        generation=mailbox.generation,
        enabled=mailbox.enabled,
        trashed=mailbox.trashed_at is not None,
        reached=mailbox.reached,
    )
    observed = facts.observed
    about = Condition.Type.RELOAD_PENDING if observed else Condition.Type.REACHABLE
    row = relay.conditions.get(about)
    return AddressStanding(
        state=WORDS[decide_address_state(facts)],
        observed=observed,
        observed_at=target.observed_at if target is not None and observed else None,
        checked_at=target.checked_at if target is not None and observed else None,
        since=row.since if row is not None else None,
    )


def address_standings(mailboxes: Iterable[Mailbox]) -> list[tuple[Mailbox, AddressStanding]]:
    """Of many, with each: what those of one domain share is asked once."""
    relays: dict[int, RelayState] = {}
    found = []
    for mailbox in mailboxes:
        if mailbox.domain_id not in relays:
            relays[mailbox.domain_id] = relay_state(mailbox.domain)
        found.append((mailbox, address_standing(mailbox, relays[mailbox.domain_id])))
    return found


def domain_rows(domains: Iterable[Domain], now: datetime) -> list[DomainRow]:
    """Judged, those that need a person first."""
    rows = [domain_row(domain, now) for domain in domains]
    return sorted(rows, key=lambda row: (not row.standing.needs_person, row.domain.name))
