"""Importing addresses: a preview of every row first, then exactly that, or nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tenants.actions.audit import record
from tenants.actions.gathering import Gathered
from tenants.actions.import_rows import (
    Asked,
    Outcome,
    asked_again,
    asked_of,
    carry_out,
    shown_columns,
    stored,
)
from tenants.actions.locking import lock
from tenants.actions.new_mailboxes import require_may_make
from tenants.actions.previews import forget_late, require_maker
from tenants.actions.questions import letters_for
from tenants.actions.quotas import require_quota
from tenants.actions.reversals import final
from tenants.actions.sets import check_digest, one_set
from tenants.actions.targets import require_may_vouch
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Invalid, Problem
from tenants.formats.address_files import read_addresses
from tenants.formats.text import printable
from tenants.models import AddressImport, Domain, ImportRow, Organization

KEPT = timedelta(hours=24)
# Earlier previews of the same person for the same domain go.
KEPT_EACH = 3
_AT_ONCE = 500
Verdict = ImportRow.Verdict


@dataclass(frozen=True)
class Preview:
    """What the rows would do now."""

    outcomes: Sequence[Outcome]
    questions: int
    obstacle: str
    digest: str

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(outcome.verdict for outcome in self.outcomes)
        return {verdict.value: found[verdict] for verdict in Verdict}


@transaction.atomic
def preview_import(
    *, actor: Actor, domain: Domain, content: bytes, name: str = "", vouched: bool = False
) -> AddressImport:
    """Read a file of addresses (CSV, JSON, or another mail server's: `read_addresses`) and keep, row by row,
    what it would do. Nothing is changed.

    With `vouched`, an owner answers for those who are to get the mail; otherwise they are asked. Raises
    Invalid (field `file`) for what is no table of addresses; what is wrong with a row is kept with it.
    """
    require_may_make(actor, domain)
    if vouched:
        require_may_vouch(actor, domain)
    with Checks() as checks:
        unit, wishes = read_addresses(content, domain=domain.name)
    checks.finish()
    rows = [asked_of(wish) for wish in wishes]
    preview = _rehearse(actor, domain, rows, vouched=vouched)
    now = timezone.now()
    kept = AddressImport.objects.create(
        domain=domain,
        account=actor.account,
        name=printable(name, 100),
        unit=unit,
        vouched=vouched,
        created_at=now,
        expires_at=now + KEPT,
        **_columns(preview),
    )
    lines = [stored(row, outcome) for row, outcome in zip(rows, preview.outcomes, strict=True)]
    for line in lines:
        line.of_import = kept
    ImportRow.objects.bulk_create(lines, batch_size=_AT_ONCE)
    mine = AddressImport.objects.filter(domain=domain, account=actor.account).order_by("-pk")
    AddressImport.objects.filter(pk__in=list(mine.values_list("pk", flat=True)[KEPT_EACH:])).delete()
    return kept


def find_import(actor: Actor, domain: Domain, import_id: int) -> AddressImport:
    """A preview of this person, not yet forgotten; Absent for every other."""
    require_may_make(actor, domain)
    row = AddressImport.objects.filter(
        pk=import_id, domain=domain, account=actor.account, expires_at__gt=timezone.now()
    ).first()
    if row is None:
        raise Absent
    row.domain = domain
    return row


def _require_own(actor: Actor, preview: AddressImport) -> None:
    require_may_make(actor, preview.domain)
    require_maker(actor, preview)


class _Different(Exception):
    def __init__(self, now: Preview) -> None:
        super().__init__()
        self.now = now


def apply_import(
    *, actor: Actor, preview: AddressImport, digest: str, leave_out_refused: bool = False
) -> AddressImport:
    """Do exactly what a preview showed, in one transaction with one mark; `digest` names what was seen.

    Rows that are refused stop all of it, unless they are to be left out. If something changed since, nothing
    is done, the preview is made again, and Conflict says so.
    """
    _require_own(actor, preview)
    with suppress(_Different):
        return _apply(actor, preview, digest, leave_out_refused=leave_out_refused)
    renew_import(actor=actor, preview=preview)
    raise Conflict("Something changed since this preview. It was made again: read it once more.")


@transaction.atomic
def _apply(actor: Actor, preview: AddressImport, digest: str, *, leave_out_refused: bool) -> AddressImport:
    domain = preview.domain
    lock(preview)
    if preview.applied_at is not None:
        raise Conflict("This import was done already.")
    if preview.digest != digest:
        raise Conflict("The preview has changed since you read it. Read it again.")
    refused = preview.counts[Verdict.REFUSED]
    if refused and not leave_out_refused:
        raise Conflict(f"{refused:,} rows are refused. Correct them, or agree to leave them out.")
    if not preview.counts[Verdict.CREATE] + preview.counts[Verdict.CHANGE]:
        raise Conflict("There is nothing to do.")
    rows = _rows_of(preview)
    with one_set(actor, domain) as gathered:
        now = _look(actor, domain, rows, gathered, vouched=preview.vouched)
        if now.digest != preview.digest:
            raise _Different(now)
        _record(actor, domain, preview.counts, gathered, vouched=preview.vouched, name=preview.name)
    preview.applied_at, preview.generation = timezone.now(), gathered.generation
    preview.save(update_fields=["applied_at", "generation"])
    # What is not needed any more is not kept: fingerprints least of all.
    preview.rows.exclude(verdict=Verdict.REFUSED).delete()
    return preview


def _record(
    actor: Actor,
    domain: Domain,
    counts: Mapping[str, int],
    gathered: Gathered,
    *,
    vouched: bool,
    name: str = "",
) -> None:
    words = ((Verdict.CREATE, "new"), (Verdict.CHANGE, "changed"), (Verdict.REFUSED, "left out"))
    told = ", ".join(f"{counts[verdict]:,} {word}" for verdict, word in words if counts[verdict])
    answers = f" {actor} vouched for those who get the mail." if vouched else ""
    record(
        actor,
        "import_addresses",
        domain,
        f"Addresses were imported into {domain}: {told or 'none'}.{answers}",
        domain=domain,
        target=gathered.relays.get(domain.pk),
        after={"counts": dict(counts), "file": name, "vouched": vouched},
    )


@transaction.atomic
def renew_import(*, actor: Actor, preview: AddressImport) -> AddressImport:
    """Make a preview again, from the rows that were kept."""
    _require_own(actor, preview)
    lock(preview)
    if preview.applied_at is not None:
        raise Conflict("This import was done already.")
    rows = list(preview.rows.order_by("place"))
    now = _rehearse(actor, preview.domain, [asked_again(row) for row in rows], vouched=preview.vouched)
    for name, value in _columns(now).items():
        setattr(preview, name, value)
    preview.save(update_fields=list(_columns(now)))
    changed = []
    for row, outcome in zip(rows, now.outcomes, strict=True):
        columns = shown_columns(outcome)
        if any(getattr(row, name) != value for name, value in columns.items()):
            for name, value in columns.items():
                setattr(row, name, value)
            changed.append(row)
    ImportRow.objects.bulk_update(changed, ["verdict", "changes", "problems"], batch_size=100)
    return preview


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do. `rows` and `preview.outcomes` stand in the same order."""

    unit: str
    rows: Sequence[Asked]
    preview: Preview
    generation: int = 0

    def with_verdict(self, *verdicts: str) -> Iterator[tuple[Asked, Outcome]]:
        for row, outcome in zip(self.rows, self.preview.outcomes, strict=True):
            if outcome.verdict in verdicts:
                yield row, outcome


def import_addresses(
    *,
    actor: Actor,
    domain: Domain,
    content: bytes,
    vouched: bool = False,
    leave_out_refused: bool = False,
    digest: str | None = None,
    rehearse: bool = False,
) -> Imported:
    """Import a table in one step, for programs, which keep it themselves; as `preview_import` and
    `apply_import` do it in two.

    With `rehearse` nothing is kept. With a `digest` of such a rehearsal it is done only while it would do
    exactly that (Conflict). Raises Invalid for refused rows, unless they are to be left out.
    """
    require_may_make(actor, domain)
    check_digest(digest)
    with Checks() as checks:
        unit, wishes = read_addresses(content, domain=domain.name)
    checks.finish()
    rows = [asked_of(wish) for wish in wishes]
    if rehearse:
        return Imported(unit, rows, _rehearse(actor, domain, rows, vouched=vouched))
    with one_set(actor, domain) as gathered:
        done = Imported(unit, rows, _look(actor, domain, rows, gathered, vouched=vouched))
        if digest is not None and digest != done.preview.digest:
            raise Conflict("Something changed since you looked, or this is another table. Look again.")
        refused = list(done.with_verdict(Verdict.REFUSED))
        if refused and not leave_out_refused:
            raise Invalid(_in_rows(done, refused))
        _record(actor, domain, done.preview.counts, gathered, vouched=vouched)
    return replace(done, generation=gathered.generation)


def _in_rows(done: Imported, refused: Sequence[tuple[Asked, Outcome]]) -> Iterator[Problem]:
    """The problems of the first hundred rows, with their place in the table."""
    indexes = {row.place: index for index, row in enumerate(done.rows)}
    for row, outcome in refused[:100]:
        where = f"Line {row.place}: " if done.unit == "line" else ""
        for each in outcome.problems:
            name = f".{each.field}" if each.field else ""
            yield Problem(f"addresses[{indexes[row.place]}]{name}", f"{where}{each.problem}", each.fix)


@transaction.atomic
def discard_import(*, actor: Actor, preview: AddressImport) -> None:
    """Forget a preview; nothing of it was done."""
    _require_own(actor, preview)
    preview.delete()


def forget_imports(*, actor: Actor) -> int:
    """Forget previews whose time is over."""
    return forget_late(actor, AddressImport)


def _rows_of(preview: AddressImport) -> list[Asked]:
    return [asked_again(row) for row in preview.rows.order_by("place")]


def _columns(preview: Preview) -> dict[str, object]:
    return {
        "counts": preview.counts,
        "questions": preview.questions,
        "digest": preview.digest,
    }


def _rehearse(actor: Actor, domain: Domain, rows: Sequence[Asked], *, vouched: bool) -> Preview:
    """Do it and take it back. The quota does not stop a rehearsal: what is missing is told as a whole."""
    with one_set(actor, domain, rehearse=True) as gathered:
        organization = Organization.objects.filter(pk=domain.organization_id)
        organization.update(mailbox_quota=F("mailbox_quota") + len(rows))
        now = _look(actor, domain, rows, gathered, vouched=vouched)
    return replace(now, obstacle=obstacle_to(domain, now.counts))


def obstacle_to(domain: Domain, counts: Mapping[str, int]) -> str:
    """What keeps all of it from being done as things are now; empty for nothing."""
    try:
        require_quota(domain.organization, "mailbox", counts[Verdict.CREATE])
    except Invalid as error:
        return str(error)
    return ""


def _look(
    actor: Actor, domain: Domain, rows: Sequence[Asked], gathered: Gathered, *, vouched: bool
) -> Preview:
    outcomes = carry_out(actor, domain, rows, gathered, vouched=vouched)
    parts = [
        [row.place, row.local_part, *shown_columns(outcome).values()]
        for row, outcome in zip(rows, outcomes, strict=True)
    ]
    digest = hashlib.sha256(json.dumps([vouched, parts], sort_keys=True).encode()).hexdigest()
    letters = letters_for([question.recipient for question in gathered.questions])
    return Preview(outcomes, letters, "", digest)


final("Each address was made or changed on its own, too: undo that in its history.", "import_addresses")
