"""What the rows of an import do, one by one: through the actions that make and change single addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from tenants import access
from tenants.actions import mailboxes as single
from tenants.actions.creation import make_mailboxes
from tenants.actions.gathering import Gathered, batched
from tenants.actions.locking import holding
from tenants.actions.new_mailboxes import NewMailbox, check_new_mailbox, require_may_make
from tenants.actions.targets import add_target, check_target_list, remove_target, require_may_vouch
from tenants.actor import Actor
from tenants.errors import ActionError, Checks, Invalid, Problem
from tenants.formats.address_rows import Wish
from tenants.formats.passphrase import check_hash
from tenants.formats.text import check_text, printable
from tenants.models import Domain, ImportRow, Mailbox
from tenants.secrets import Purpose, seal

Verdict = ImportRow.Verdict
Problems = tuple[Problem, ...]


@dataclass(frozen=True)
class Asked:
    """A row that was read: what it asks for, its hash sealed. `None` leaves things as they are."""

    place: int
    shown: str
    local_part: str
    targets: tuple[str, ...] | None = None
    note: str | None = None
    enabled: bool | None = None
    kind: str | None = None
    sealed_hash: bytes | None = field(default=None, repr=False)
    unreadable: Problems = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a row does, or why it is refused. `changes` are before and after, without secrets."""

    verdict: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    problems: Problems = ()


def asked_of(wish: Wish) -> Asked:
    """Seal the hash of a row, after it was checked like any other; nothing else is judged yet."""
    checks = Checks()
    checks.problems.extend(Problem(each.field, each.problem, each.fix) for each in wish.problems)
    sealed = None
    with checks:
        given = wish.value("password_hash")
        sealed = seal(Purpose.MAILBOX_HASH, check_hash(given)) if given is not None else None
    return Asked(
        place=wish.place,
        shown=wish.shown,
        local_part=wish.local_part,
        targets=wish.value("targets"),
        note=wish.value("note"),
        enabled=wish.value("enabled"),
        kind=wish.value("kind"),
        sealed_hash=sealed,
        unreadable=tuple(checks.problems),
        remarks=wish.remarks,
    )


def carry_out(
    actor: Actor, domain: Domain, rows: Sequence[Asked], gathered: Gathered, *, vouched: bool
) -> list[Outcome]:
    """Do what the rows ask for, in a set; refused ones do nothing. New addresses come first, then changes.

    Raises Invalid when the quota has too little left.
    """
    require_may_make(actor, domain)
    if vouched:
        require_may_vouch(actor, domain)
    with _known(domain, rows) as known, access.ranks_known(actor, domain, list(known)):
        outcomes: dict[int, Outcome] = {}
        new = []
        for row in rows:
            if row.local_part not in known:
                new.append(row)
        outcomes |= _make(actor, domain, new, gathered, vouched=vouched)
        for row in rows:
            if row.place not in outcomes:
                outcomes[row.place] = _change(actor, known[row.local_part], row, gathered, vouched=vouched)
    return [outcomes[row.place] for row in rows]


@contextmanager
def _known(domain: Domain, rows: Sequence[Asked]) -> Iterator[dict[str, Mailbox]]:
    """The addresses in use that the rows name, locked."""
    names = sorted({row.local_part for row in rows if row.local_part})
    ids: list[int] = []
    for named in batched(names):
        used = Mailbox.objects.filter(domain=domain, trashed_at=None, local_part__in=named)
        ids += used.values_list("pk", flat=True)
    ids.sort()
    known: dict[str, Mailbox] = {}
    with ExitStack() as stack:
        for some in batched(ids):
            held = Mailbox.objects.filter(pk__in=some, trashed_at=None)
            for mailbox in stack.enter_context(holding(held.prefetch_related("targets"))):
                mailbox.domain = domain
                known[mailbox.local_part] = mailbox
        yield known


# New addresses ------------------------------------------------------------------------------------------


def _make(
    actor: Actor, domain: Domain, rows: Iterable[Asked], gathered: Gathered, *, vouched: bool
) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    wanted: list[tuple[Asked, NewMailbox]] = []
    for row in rows:
        try:
            wanted.append((row, _checked(domain, row, vouched=vouched)))
        except Invalid as error:
            outcomes[row.place] = Outcome(Verdict.REFUSED, problems=error.problems)
    made = make_mailboxes(actor, domain, [new for _, new in wanted], gathered)
    for (row, new), result in zip(wanted, made, strict=True):
        if isinstance(result, ActionError):
            outcomes[row.place] = Outcome(Verdict.REFUSED, problems=problems_of(result))
        else:
            outcomes[row.place] = Outcome(Verdict.CREATE, _of_new(new))
    return outcomes


def _checked(domain: Domain, row: Asked, *, vouched: bool) -> NewMailbox:
    if row.unreadable and not row.local_part:
        raise Invalid(row.unreadable)
    checks = Checks()
    new = None
    with checks:
        new = check_new_mailbox(
            domain,
            local_part=row.local_part,
            targets=row.targets or (),
            password_hash="",
            note=row.note or "",
        )
    checks.problems.extend(row.unreadable)
    if not row.unreadable:
        checks.problems.extend(_kind_problems(row, has_passphrase=row.sealed_hash is not None))
    checks.finish()
    assert new is not None  # noqa: S101 - finish() raises otherwise
    return replace(new, sealed_hash=row.sealed_hash, enabled=row.enabled is not False, vouched=vouched)


def _of_new(new: NewMailbox) -> dict[str, Any]:
    changes: dict[str, Any] = {"kind": [None, "mailbox" if new.sealed_hash else "alias"]}
    changes["targets"] = [None, list(new.targets)]
    if new.note:
        changes["note"] = [None, new.note]
    if not new.enabled:
        changes["enabled"] = [None, False]
    return changes


def _kind_problems(row: Asked, *, has_passphrase: bool) -> Iterator[Problem]:
    if row.kind == "mailbox" and not has_passphrase:
        yield Problem(
            "kind",
            "A mailbox has a passphrase, and this row brings no fingerprint of one.",
            "Add its password_hash, or write alias: then nobody can log in with it.",
        )
    if row.kind == "alias" and has_passphrase:
        yield Problem(
            "kind", "Nobody can log in with an alias, and this one has a passphrase.", "Write mailbox."
        )


# Addresses that are there -------------------------------------------------------------------------------


def _change(actor: Actor, mailbox: Mailbox, row: Asked, gathered: Gathered, *, vouched: bool) -> Outcome:
    try:
        wanted = _difference(mailbox, row)
    except Invalid as error:
        return Outcome(Verdict.REFUSED, problems=error.problems)
    if not wanted:
        return Outcome(Verdict.UNCHANGED)
    try:
        with transaction.atomic(), gathered.one():
            _do(actor, mailbox, row, wanted, vouched=vouched)
    except ActionError as error:
        return Outcome(Verdict.REFUSED, problems=problems_of(error))
    return Outcome(Verdict.CHANGE, wanted)


def _difference(mailbox: Mailbox, row: Asked) -> dict[str, Any]:
    """What the row would change, by column: before and after."""
    checks = Checks()
    checks.problems.extend(row.unreadable)
    found: dict[str, Any] = {}
    with checks:
        if row.targets is not None:
            have = [target.address for target in sorted(mailbox.targets.all(), key=lambda each: each.pk)]
            want = check_target_list(row.targets, mailbox.domain)
            if {each.lower() for each in have} != {each.lower() for each in want}:
                found["targets"] = [have, want]
    with checks:
        note = check_text(row.note, field="note", maximum=200) if row.note else mailbox.note
        if note != mailbox.note:
            found["note"] = [mailbox.note, note]
    if row.enabled is not None and row.enabled != mailbox.enabled:
        found["enabled"] = [mailbox.enabled, row.enabled]
    if row.sealed_hash is not None:
        found["passphrase"] = ["set" if mailbox.sealed_hash else "none", "the one in the file"]
    checks.problems.extend(_kind_problems(row, has_passphrase=bool(row.sealed_hash or mailbox.sealed_hash)))
    checks.finish()
    return found


def _do(actor: Actor, mailbox: Mailbox, row: Asked, wanted: Mapping[str, Any], *, vouched: bool) -> None:
    if "targets" in wanted:
        have, want = wanted["targets"]
        kept, listed = {each.lower() for each in want}, {each.lower() for each in have}
        for address in have:
            if address.lower() not in kept:
                remove_target(actor=actor, mailbox=mailbox, address=address)
        for address in want:
            if address.lower() not in listed:
                add_target(actor=actor, mailbox=mailbox, address=address, vouched=vouched)
    if "note" in wanted:
        single.change_note(actor=actor, mailbox=mailbox, note=wanted["note"][1])
    if row.sealed_hash is not None:
        single.set_sealed_passphrase(actor, mailbox, row.sealed_hash)
    if "enabled" in wanted:
        single.switch_mailbox(actor=actor, mailbox=mailbox, enabled=wanted["enabled"][1])


def problems_of(error: ActionError) -> Problems:
    """A refusal as problems; one of a whole thing has no field."""
    if isinstance(error, Invalid):
        return tuple(error.problems)
    return (Problem("", error.sentence),)


# Rows of the database -----------------------------------------------------------------------------------


def stored(row: Asked, outcome: Outcome) -> ImportRow:
    """The row of a preview, unsaved."""
    asked = {
        name: value
        for name in ("targets", "note", "enabled", "kind")
        if (value := getattr(row, name)) is not None
    }
    return ImportRow(
        place=row.place,
        shown=printable(row.shown, 120),
        local_part=row.local_part,
        asked=asked,
        sealed_hash=row.sealed_hash,
        unreadable=[each.as_dict() for each in row.unreadable],
        remarks=list(row.remarks),
        **shown_columns(outcome),
    )


def shown_columns(outcome: Outcome) -> dict[str, Any]:
    return {
        "verdict": outcome.verdict,
        "changes": dict(outcome.changes),
        "problems": [each.as_dict() for each in outcome.problems],
    }


def asked_again(row: ImportRow) -> Asked:
    """What `stored` kept of a row."""
    targets = row.asked.get("targets")
    return Asked(
        place=row.place,
        shown=row.shown,
        local_part=row.local_part,
        targets=tuple(targets) if targets is not None else None,
        note=row.asked.get("note"),
        enabled=row.asked.get("enabled"),
        kind=row.asked.get("kind"),
        sealed_hash=bytes(row.sealed_hash) if row.sealed_hash is not None else None,
        unreadable=tuple(Problem(**each) for each in row.unreadable),
        remarks=tuple(row.remarks),
    )
