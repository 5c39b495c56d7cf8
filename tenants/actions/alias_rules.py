"""What people who hold a mailbox may make themselves, and whether a wish keeps within it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Forbidden, Invalid, Problem
from tenants.formats import alias_pattern
from tenants.formats.ends import in_words
from tenants.models import AliasRules, Domain, Mailbox

MOST_EACH = 1000
LONGEST_DAYS = 3650


@transaction.atomic
def change_alias_rules(
    *,
    actor: Actor,
    domain: Domain,
    allowed: bool,
    pattern: str = "",
    most_each: int = 0,
    longest_days: int | None = None,
) -> AliasRules | None:
    """Say which aliases people may make for mailboxes that they hold, or that they may make none.

    Aliases that are there stay as they are: the rules are for making, changing and extending them.
    """
    access.require(actor, access.Verb.CHANGE, domain)
    checks = Checks()
    if allowed:
        with checks:
            pattern = alias_pattern.check_pattern(pattern)
        if not 1 <= most_each <= MOST_EACH:
            fix = f"Choose 1 to {MOST_EACH:,}, or let people make none."
            checks.problems.append(Problem("most_each", f"{most_each} aliases per person do not go.", fix))
        if longest_days is not None and not 1 <= longest_days <= LONGEST_DAYS:
            fix = f"Choose 1 to {LONGEST_DAYS:,} days, or leave it empty for no end."
            checks.problems.append(Problem("longest_days", f"{longest_days} days do not go.", fix))
    checks.finish()
    lock(domain)
    before = _as_dict(AliasRules.objects.filter(domain=domain).first())
    rules: AliasRules | None = None
    if allowed:
        values = {"pattern": pattern, "most_each": most_each, "longest_days": longest_days}
        rules, _ = AliasRules.objects.update_or_create(domain=domain, defaults=values)
    else:
        AliasRules.objects.filter(domain=domain).delete()
    after = _as_dict(rules)
    if after != before:
        what = f"make aliases like {pattern}" if allowed else "make no aliases themselves"
        record(
            actor,
            "change_alias_rules",
            domain.name,
            f"People of {domain.name} may {what}.",
            domain=domain,
            before=before,
            after=after,
        )
    return rules


def _as_dict(rules: AliasRules | None) -> dict[str, object]:
    if rules is None:
        return {"allowed": False}
    fields = ("pattern", "most_each", "longest_days")
    return {"allowed": True, **{name: getattr(rules, name) for name in fields}}


@dataclass(frozen=True)
class Leave:
    """What the rules say to one person's alias: for which mailbox it is, and when it ends."""

    made_for: Mailbox
    expires_at: datetime | None


def rules_for(actor: Actor, domain: Domain, *, hold: bool = True) -> AliasRules:
    """The rules by which `actor` makes aliases in `domain`, held until the transaction ends (or only read).

    Raises Absent for somebody who has nothing there, Forbidden where people make none themselves.
    """
    if not _held(actor, domain).exists():
        access.require(actor, access.Verb.VIEW, domain)
        raise Forbidden("You may not create this mailbox. Ask an owner or manager.")
    rows = AliasRules.objects.select_for_update() if hold else AliasRules.objects.all()
    rules = rows.filter(domain=domain).first()
    if rules is None:
        raise Forbidden(f"In {domain.name} only its team makes aliases. Ask an owner or manager.")
    return rules


def _held(actor: Actor, domain: Domain) -> QuerySet[Mailbox]:
    return access.held_mailboxes(actor).filter(domain=domain)


def made_by_themselves(actor: Actor, domain: Domain) -> int:
    """How many aliases were made for mailboxes that `actor` holds; what is in the trash does not count."""
    own = _held(actor, domain).values("pk")
    return Mailbox.objects.filter(made_for__in=own, trashed_at=None).count()


def require_leave(
    actor: Actor,
    rules: AliasRules,
    local_part: str,
    mailboxes: Sequence[Mailbox],
    expires_at: datetime | None,
) -> Leave:
    """Raise Invalid where a new alias for `mailboxes`, all of them the actor's own, leaves the rules."""
    problems: list[Problem] = []
    fitting = [each for each in mailboxes if _fits(rules, local_part, each)]
    if not mailboxes:
        problems.append(
            Problem("delivers_to", "It is for no mailbox of yours.", "Choose at least one of your mailboxes.")
        )
    elif not fitting:
        example = alias_pattern.example(rules.pattern, own=mailboxes[0].local_part)
        problems.append(
            Problem(
                "local_part",
                f"“{local_part}” does not look like “{rules.pattern}”, the form that your aliases have here.",
                f"Choose a name such as “{example}”.",
            )
        )
    count = made_by_themselves(actor, rules.domain)
    if count >= rules.most_each:
        problems.append(
            Problem(
                "local_part",
                f"You have {count} of {rules.most_each} aliases.",
                "Remove one that you do not need any more, or ask an owner for it.",
            )
        )
    if problems:
        raise Invalid(problems)
    return Leave(fitting[0], latest_end(rules, expires_at))


def _fits(rules: AliasRules, local_part: str, mailbox: Mailbox) -> bool:
    return alias_pattern.fits(rules.pattern, local_part, own=mailbox.local_part)


def latest_end(rules: AliasRules, expires_at: datetime | None) -> datetime | None:
    """When a person's alias ends that is to end at `expires_at`; Invalid for later than the rules allow."""
    if rules.longest_days is None:
        return expires_at
    latest = timezone.now() + timedelta(days=rules.longest_days)
    if expires_at is None:
        return latest
    if expires_at > latest + timedelta(days=1):  # a day that was chosen ends at its last minute
        raise Invalid.of(
            "expires_at",
            f"An alias that you make lasts {rules.longest_days} days at most.",
            f"Choose {in_words(latest)} or earlier; you can extend it before it ends.",
        )
    return expires_at


def require_rules(actor: Actor, alias: Mailbox) -> AliasRules | None:
    """The rules that hold for what `actor` does to `alias`; None for the team, which has its own judgement.

    Raises Forbidden where people make none themselves any more.
    """
    if access.is_team(actor, alias):
        return None
    try:
        return rules_for(actor, alias.domain)
    except Absent:
        raise Forbidden(f"In {alias.domain.name} only its team may do that.") from None


final("Change the rules back in the domain's settings.", "change_alias_rules")
