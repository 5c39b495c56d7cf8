"""Taking a whole organization along as one file, and making one of such a file."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions.audit import record
from tenants.actions.moving_in import MovedIn, MovingIn
from tenants.actions.reversals import final
from tenants.actions.sets import check_digest
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.errors import Checks, Conflict, Forbidden, Invalid, Problem
from tenants.formats.organization_file import OrganizationFile, read_file
from tenants.models import Organization
from tenants.organization_export import organization_file
from tenants.secrets import Opener


@transaction.atomic
def export_organization(
    *, actor: Actor, organization: Organization, opener: Opener | None = None
) -> OrganizationFile:
    """Everything that the file knows; with an `opener`, which only workers have, with its secrets.

    Whoever is narrowed to a domain cannot: the file holds all of them. Raises CannotOpen.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.EXPORT, organization)
    if actor.domain_id is not None:
        raise Forbidden("This key is for one domain; the file holds all of them.")
    file = organization_file(organization, timezone.now(), opener)
    secrets = "with its secrets" if opener is not None else "without secrets"
    record(
        actor,
        "export_organization",
        organization,
        f"{actor} took all of {organization} along, {secrets}.",
        organization=organization,
        after={"domains": len(file.domains), "secrets": opener is not None},
    )
    return file


def import_organization(
    *,
    actor: Actor,
    organization: Organization,
    content: bytes,
    key: str = "",
    vouched: bool = False,
    people: bool = False,
    leave_out_refused: bool = False,
    digest: str | None = None,
    rehearse: bool = False,
) -> MovedIn:
    """Make what the file says in `organization`, as one transaction; doing it again goes on where something
    was refused. Nothing outside is connected by it: no repository, host or name server, so no sync target is
    made; a repository that is connected here already gets the addresses as by any import.

    With `vouched`, those who are to get mail are not asked; with `people`, its people are let in with their
    roles, and each gets a mail. With `rehearse` it is done and taken back. With a `digest` of that it is done
    only while it comes to exactly the same (Conflict). Raises Invalid for a file that is none, and for what
    is refused unless that is to be left out.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.DOMAIN, organization)
    check_digest(digest)
    with Checks() as checks:
        file = read_file(content, key)
    checks.finish()
    with rehearsal(rehearse), transaction.atomic():
        done = MovingIn(actor, organization, vouched, people).all_of(file)
        if not rehearse:
            _require_agreed(done, digest, leave_out_refused=leave_out_refused)
            told = ", ".join(f"{count:,} {verdict}" for verdict, count in done.counts.items())
            record(
                actor,
                "import_organization",
                organization,
                f"The export of an organization was imported into {organization}: {told or 'nothing'}.",
                organization=organization,
                after={"counts": done.counts, "vouched": vouched, "people": people},
            )
    return done


def _require_agreed(done: MovedIn, digest: str | None, *, leave_out_refused: bool) -> None:
    if digest is not None and digest != done.digest:
        raise Conflict("Something changed since you looked, or this is another file. Look again.")
    if done.refused and not leave_out_refused:
        raise Invalid(Problem("file", f"{line.thing}: {line.why}") for line in done.refused[:100])


final("What was taken along cannot be taken back.", "export_organization")
final("Each thing was made on its own, too: undo that in its history.", "import_organization")
