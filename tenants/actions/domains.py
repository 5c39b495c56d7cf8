"""Domains of an organization."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock, lock_installation
from tenants.actions.names import reserve_usual_names
from tenants.actions.quotas import take_quota
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid, Problem
from tenants.formats.addresses import check_domain, check_host_name
from tenants.formats.text import printable
from tenants.models import Domain, Organization


@transaction.atomic
def create_domain(*, actor: Actor, organization: Organization, name: str) -> Domain:
    """Add a mail domain. Above or below a domain of another organization is refused.

    Names that people and machines believe are reserved in it; the list can be changed.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.DOMAIN, organization)
    with Checks() as checks:
        name = check_domain(name, field="name")
    checks.finish()
    lock_installation()
    _require_free(name, organization)
    take_quota(organization, "domain")
    try:
        with transaction.atomic():
            domain = Domain.objects.create(organization=organization, name=name)
    except IntegrityError as error:
        raise Conflict(f"{name} was added by somebody else just now.") from error
    reserve_usual_names(domain)
    record(
        actor,
        "create_domain",
        name,
        f"The domain {name} was added.",
        domain=domain,
        after={"requests": domain.requests, "submission_host": domain.submission_host},
    )
    return domain


def _require_free(name: str, organization: Organization) -> None:
    labels = name.split(".")
    parents = [".".join(labels[index:]) for index in range(1, len(labels) - 1)]
    if Domain.objects.filter(name=name, organization=organization).exists():
        raise Invalid.of("name", f"{organization} has {name} already.", "Open it from the list of domains.")
    # Foreign domains are not named: who has what is nobody else's business.
    foreign = Domain.objects.exclude(organization=organization)
    if (
        foreign.filter(name__in=[name, *parents]).exists()
        or foreign.filter(name__endswith=f".{name}").exists()
    ):
        raise Invalid.of(
            "name",
            f"{name}, a domain above it or one below it belongs to another organization here.",
            "If it is yours, ask whoever has it here to hand it over, or an operator of this Rookery.",
        )


@transaction.atomic
def change_domain(
    *, actor: Actor, domain: Domain, requests: str | None = None, submission_host: str | None = None
) -> Domain:
    """Change who may ask for addresses, and the name that mail programs connect to."""
    access.require(actor, access.Verb.CHANGE, domain)
    checks = Checks()
    if requests is not None and requests not in Domain.Requests.values:
        problem = f"“{printable(requests, 40)}” is no choice."
        fix = f"Choose one of {', '.join(Domain.Requests.values)}."
        checks.problems.append(Problem("requests", problem, fix))
    with checks:
        if submission_host is not None and submission_host.strip():
            submission_host = check_host_name(submission_host.strip(), field="submission_host")
    checks.finish()
    lock(domain)
    before = {"requests": domain.requests, "submission_host": domain.submission_host}
    if requests is not None:
        domain.requests = requests
    if submission_host is not None:
        domain.submission_host = submission_host.strip()
    after = {"requests": domain.requests, "submission_host": domain.submission_host}
    if after != before:
        domain.save(update_fields=["requests", "submission_host"])
        record(
            actor,
            "change_domain",
            domain.name,
            f"The settings of {domain.name} were changed.",
            domain=domain,
            before=before,
            after=after,
        )
    return domain


undoable(
    "change_domain",
    find=lambda event: event.domain,
    present=lambda domain, event: {name: getattr(domain, name) for name in event.after},
    restore=lambda actor, domain, event: change_domain(actor=actor, domain=domain, **event.before),
    told=lambda domain, event: f"The settings of {domain} become what they were before.",
)
final("A domain cannot be deleted here. An operator of this Rookery can help.", "create_domain")
