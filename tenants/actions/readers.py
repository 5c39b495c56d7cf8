"""Which unikernels read a relay repository: linked by a person; Rookery restarts them after a change."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.restarts import check_pace, due
from tenants.formats.text import printable
from tenants.models import Condition, Repository, RepositoryReader, Unikernel


@transaction.atomic
def link_reader(
    *, actor: Actor, repository: Repository, unikernel: Unikernel, role: str, read_commit: str = ""
) -> RepositoryReader:
    """Say that `unikernel` reads `repository` as submission or relay: it is restarted after changes there.

    What it has read is known when the caller knows the commit, or a person said so of the one that is there
    now; else it restarts once.
    """
    access.require(actor, access.Verb.CHANGE, repository)
    access.require(actor, access.Verb.CHANGE, unikernel)
    if role not in RepositoryReader.Role.values:
        raise Invalid.of("role", f"“{printable(role, 40)}” is no role.", "Choose submission or relay.")
    if repository.kind != Repository.Kind.RELAY:
        raise Invalid.of("repository", "This repository holds zones.", "Choose the relay repository.")
    if unikernel.share.organization_id != repository.organization_id:
        raise Invalid.of(
            "unikernel", "This unikernel belongs to another organization.", "Choose one of the same."
        )
    lock(unikernel)
    if unikernel.deleted_at is not None:
        raise Conflict(f"{unikernel} is being deleted.")
    try:
        with transaction.atomic():
            row = RepositoryReader.objects.create(
                repository=repository,
                unikernel=unikernel,
                role=role,
                read_commit=read_commit or _known_read(repository),
            )
    except IntegrityError as error:
        said = f"{unikernel} reads a repository already."
        raise Invalid.of("unikernel", said, "Choose another, or unlink it there first.") from error
    outbox.mark([repository.sync_target])
    _record(actor, "link_reader", row, f"{unikernel} reads {repository.short_name} as {role}.")
    return row


def _known_read(repository: Repository) -> str:
    """The commit that the mail servers are known to have read, if nothing waits."""
    done = Condition.objects.filter(
        target=repository.sync_target, type=Condition.Type.RELOAD_PENDING, status=False
    ).first()
    commit = done.details.get("commit", "") if done is not None else ""
    return str(commit)[:64]


@transaction.atomic
def unlink_reader(*, actor: Actor, reader: RepositoryReader) -> None:
    """Restart it no more; the unikernel itself goes on."""
    access.require(actor, access.Verb.CHANGE, reader.repository)
    access.require(actor, access.Verb.CHANGE, reader.unikernel)
    repository, unikernel = reader.repository, reader.unikernel
    lock(unikernel)
    outbox.mark([repository.sync_target])
    said = f"{unikernel} is not restarted any more when {repository.short_name} changes."
    _record(actor, "unlink_reader", reader, said)
    reader.delete()


@transaction.atomic
def restart_readers(*, actor: Actor, repository: Repository) -> list[RepositoryReader]:
    """Do not wait for a quiet moment: what has not read the last change restarts now, submission first."""
    access.require(actor, access.Verb.VIEW, repository)
    rows = list(
        RepositoryReader.objects.filter(RepositoryReader.WAITING, repository=repository)
        .select_related("unikernel__share__sync_target")
        .order_by("pk")
    )
    for row in rows:
        access.require(actor, access.Verb.SWITCH, row.unikernel)
    if not rows:
        raise Conflict("Nothing waits for a restart.")
    now = timezone.now()
    for row in rows:
        row.due_at, row.urgent = now, True
        row.save(update_fields=["due_at", "urgent"])
    targets = {row.unikernel.share.sync_target.pk: row.unikernel.share.sync_target for row in rows}
    for _, target in sorted(targets.items()):
        outbox.look_again(target)
    names = ", ".join(str(row.unikernel) for row in rows)
    record(
        actor,
        "restart_readers",
        repository,
        f"{actor} restarts what reads {repository.short_name} now: {names}.",
        organization=repository.organization,
        domain=repository.domain,
        target=repository.sync_target,
        after={"commit": rows[0].wanted_commit, "unikernels": [row.unikernel_id for row in rows]},
    )
    return rows


@transaction.atomic
def change_restart_pace(*, actor: Actor, repository: Repository, quiet: int, apart: int) -> Repository:
    """Choose how quiet it must be before what reads `repository` restarts, and how far two restarts lie
    apart, in seconds. What waits already is put off or brought forward by it."""
    access.require(actor, access.Verb.CHANGE, repository)
    if repository.kind != Repository.Kind.RELAY:
        raise Conflict("Nothing restarts for a repository of zones.")
    lock(repository)
    with Checks() as checks:
        pace = check_pace(quiet, apart)
    checks.finish()
    before = repository.pace
    if pace == before:
        return repository
    repository.restart_quiet, repository.restart_apart = pace.quiet, pace.apart
    repository.save(update_fields=["restart_quiet", "restart_apart"])
    _put_off(repository)
    record(
        actor,
        "change_restart_pace",
        repository,
        f"What reads {repository.short_name} restarts after {pace.quiet} quiet seconds, and not sooner than"
        f" {pace.apart} seconds after the last restart.",
        organization=repository.organization,
        domain=repository.domain,
        target=repository.sync_target,
        before={"quiet": before.quiet, "apart": before.apart},
        after={"quiet": pace.quiet, "apart": pace.apart},
    )
    return repository


def _put_off(repository: Repository) -> None:
    """By the pace as it is now: what waits, and when its hosts are looked at."""
    rows = list(
        RepositoryReader.objects.filter(repository=repository)
        .select_related("unikernel__share__sync_target")
        .order_by("pk")
    )
    last = max((row.restarted_at for row in rows if row.restarted_at), default=None)
    for row in rows:
        if not row.is_waiting or row.urgent or row.changed_at is None or row.waiting_since is None:
            continue
        row.due_at = due(
            changed_at=row.changed_at,
            waiting_since=row.waiting_since,
            last_restart=last,
            urgent=False,
            pace=repository.pace,
        )
        row.save(update_fields=["due_at"])
        outbox.look_again(row.unikernel.share.sync_target)
    outbox.look_again(repository.sync_target)


def _record(actor: Actor, verb: str, row: RepositoryReader, sentence: str) -> None:
    record(
        actor,
        verb,
        row.repository,
        sentence,
        organization=row.repository.organization,
        domain=row.repository.domain,
        target=row.repository.sync_target,
        after={"unikernel": row.unikernel_id, "name": str(row.unikernel), "role": row.role},
    )


final("Unlink the unikernel instead.", "link_reader")
final("Link the unikernel again instead.", "unlink_reader")
final("Choose another pace instead.", "change_restart_pace")
final("The servers restart; that cannot be taken back.", "restart_readers")
