"""What a domain does with requests by itself: the owner's rule, and asking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Problem
from tenants.formats.request_rules import check_mail_domains, check_pattern, counted_as, why_not_admitted
from tenants.models import AddressRequest, Domain, RequestRules

MOST_ADDRESSES = 1_000_000
MOST_EACH = 100
LONGEST_WAIT_DAYS = 365
_COLUMNS = ("pattern", "mail_domains", "most", "most_each", "decide_within_days")


def rules_of(domain: Domain) -> RequestRules:
    """The domain's rules; the defaults, unsaved, where nobody changed any."""
    return RequestRules.objects.filter(domain=domain).first() or RequestRules(domain=domain)


@transaction.atomic
def change_request_rules(
    *,
    actor: Actor,
    domain: Domain,
    pattern: str | None = None,
    mail_domains: Sequence[str] | None = None,
    most: int | None = None,
    most_each: int | None = None,
    decide_within_days: int | None = None,
    never_lapse: bool = False,
    count_anew: bool = False,
) -> RequestRules:
    """Change the rule by which addresses are given automatically, and how long deciders may take.

    None leaves a part as it is. `never_lapse` lets requests wait without end; the days hold for requests
    confirmed from now on. `count_anew` starts counting towards `most` at nought.
    """
    access.require(actor, access.Verb.CHANGE, domain)
    checks = Checks()
    with checks:
        pattern = check_pattern(pattern) if pattern is not None else None
    with checks:
        if mail_domains is not None:
            mail_domains = check_mail_domains(mail_domains, own_domain=domain.name)
    checks.problems += _number_problems(
        most=(most, MOST_ADDRESSES),
        most_each=(most_each, MOST_EACH),
        decide_within_days=(decide_within_days, LONGEST_WAIT_DAYS),
    )
    if never_lapse and decide_within_days is not None:
        checks.problems.append(
            Problem("decide_within_days", "Days are given although it shall never lapse.", "Choose one.")
        )
    checks.finish()
    rules, _ = RequestRules.objects.get_or_create(domain=domain)
    lock(rules)
    before = _told(rules)
    given = {
        "pattern": pattern,
        "mail_domains": mail_domains,
        "most": most,
        "most_each": most_each,
        "decide_within_days": decide_within_days,
    }
    for name, value in given.items():
        if value is not None:
            setattr(rules, name, value)
    if never_lapse:
        rules.decide_within_days = None
    rules.save(update_fields=_COLUMNS)
    if count_anew and rules.given:
        RequestRules.objects.filter(pk=rules.pk).update(given=0)
        rules.given = 0
    after = _told(rules)
    if after != before:
        record(
            actor,
            "change_request_rules",
            domain.name,
            f"What {domain.name} does with requests was changed.",
            domain=domain,
            before=before,
            after=after,
        )
    return rules


def _number_problems(**numbers: tuple[int | None, int]) -> list[Problem]:
    return [
        Problem(field, f"{value} is not possible.", f"Choose 1 to {largest:,}.")
        for field, (value, largest) in numbers.items()
        if value is not None and not 1 <= value <= largest
    ]


def _told(rules: RequestRules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in (*_COLUMNS, "given")}


@dataclass(frozen=True)
class Ground:
    """Why Rookery says yes by itself: in words, whose rank bounds it, and as whom a rule counts it."""

    because: str
    rank: Actor
    given_to: str = ""


def ground_for(request: AddressRequest) -> Ground | None:
    """What lets Rookery approve a request by itself, counted as used; None where people decide all.

    Raises Conflict with the reason when an invitation or a rule is there and does not admit it. To be called
    in a transaction that is rolled back if nothing comes of it, while the request is held.
    """
    invitation = request.invitation
    by_invitation = invitation is not None and invitation.approved
    if not by_invitation and request.domain.requests != Domain.Requests.AUTOMATIC:
        return None
    if request.domain.organization.suspended_at is not None:
        raise Conflict(f"{request.domain.organization} is suspended: nothing is given by itself.")
    return _by_invitation(request) if by_invitation else _by_rule(request)


def _by_invitation(request: AddressRequest) -> Ground:
    invitation = request.invitation
    assert invitation is not None  # noqa: S101 - the caller asked
    maker = Actor(account=invitation.made_by)
    if invitation.withdrawn_at is not None:
        raise Conflict("The invitation said yes beforehand, but it was withdrawn meanwhile.")
    if invitation.made_by is None or not access.may(maker, access.Verb.DECIDE, request):
        raise Conflict("The invitation said yes beforehand, but whoever made it may not decide any more.")
    return Ground(f"by the invitation of {invitation.made_by}", maker)


def _by_rule(request: AddressRequest) -> Ground:
    rules = rules_of(request.domain)
    misfit = why_not_admitted(
        pattern=rules.pattern,
        mail_domains=rules.mail_domains,
        local_part=request.local_part,
        target=request.target,
    )
    if misfit:
        raise Conflict(misfit)
    RequestRules.objects.get_or_create(domain=request.domain)
    # Whoever counts holds the row until the transaction ends: others see what was given.
    counted = RequestRules.objects.filter(domain=request.domain, given__lt=F("most"))
    if not counted.update(given=F("given") + 1):
        raise Conflict(f"The rule has given all of its {rules.most} addresses.")
    whom = counted_as(request.target)
    if AddressRequest.objects.filter(domain=request.domain, given_to=whom).count() >= rules.most_each:
        raise Conflict(f"The rule gave {whom} {_addresses(rules.most_each)} already.")
    # The rank of nobody: a rule leads no mail away from those who sign in here.
    return Ground(f"by the rule of {request.domain}", Actor(), whom)


def _addresses(number: int) -> str:
    return "its address" if number == 1 else f"its {number} addresses"


final("Change the rules back in the domain's settings.", "change_request_rules")
