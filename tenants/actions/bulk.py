"""One thing done to many addresses that somebody chose: by the action for one, with a result for each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from django.db.models import QuerySet

from tenants import access
from tenants.actions import mailboxes as single
from tenants.actions.audit import record
from tenants.actions.gathering import Gathered, batched
from tenants.actions.import_rows import Problems, problems_of
from tenants.actions.locking import holding
from tenants.actions.new_mailboxes import require_may_make
from tenants.actions.restoring import nothing_to_judge
from tenants.actions.reversals import final
from tenants.actions.sets import check_digest, one_set
from tenants.actor import Actor
from tenants.errors import ActionError, Checks, Conflict, Invalid, Problem
from tenants.formats.text import check_text, printable
from tenants.models import Domain, Mailbox

MOST = 20_000


@dataclass(frozen=True)
class Deed:
    """Something that can be done to many addresses. `already` says of one that there is nothing to do."""

    do: Callable[[Actor, Mailbox, str], object]
    already: Callable[[Mailbox, str], bool]
    done: str
    takes_note: bool = False


def _switched(actor: Actor, mailbox: Mailbox, *, enabled: bool) -> object:
    return single.switch_mailbox(actor=actor, mailbox=mailbox, enabled=enabled)


DEEDS: dict[str, Deed] = {
    "switch_on": Deed(
        lambda actor, mailbox, _: _switched(actor, mailbox, enabled=True),
        lambda mailbox, _: mailbox.enabled and mailbox.trashed_at is None,
        "switched on",
    ),
    "switch_off": Deed(
        lambda actor, mailbox, _: _switched(actor, mailbox, enabled=False),
        # What its holder switched off is kept off by the team.
        lambda mailbox, _: not (mailbox.enabled or mailbox.off_by_holder or mailbox.trashed_at),
        "switched off",
    ),
    "trash": Deed(
        lambda actor, mailbox, _: single.trash_mailbox(actor=actor, mailbox=mailbox),
        lambda mailbox, _: mailbox.trashed_at is not None,
        "put into the trash",
    ),
    "restore": Deed(
        lambda actor, mailbox, _: single.restore_mailbox(actor=actor, mailbox=mailbox),
        lambda mailbox, _: mailbox.trashed_at is None,
        "restored",
    ),
    "set_note": Deed(
        lambda actor, mailbox, note: single.change_note(actor=actor, mailbox=mailbox, note=note),
        lambda mailbox, note: mailbox.note == note,
        "given that note",
        takes_note=True,
    ),
}


@dataclass(frozen=True)
class Result:
    """What became of one address: changed, as it was already, or refused with its problems."""

    address: str
    changed: bool
    problems: Problems = ()

    @property
    def verdict(self) -> str:
        return "refused" if self.problems else "changed" if self.changed else "unchanged"


@dataclass(frozen=True)
class Done:
    """Results in the order of the names; `digest` names exactly these."""

    results: tuple[Result, ...]
    digest: str
    generation: int = 0

    def count(self, verdict: str) -> int:
        return sum(result.verdict == verdict for result in self.results)

    @property
    def refused(self) -> list[Result]:
        return [result for result in self.results if result.problems]


def change_mailboxes(
    *,
    actor: Actor,
    domain: Domain,
    chosen: QuerySet[Mailbox],
    deed: str,
    note: str = "",
    rehearse: bool = False,
    leave_out_refused: bool = False,
    digest: str | None = None,
) -> Done:
    """Do `deed` to the addresses of `domain` that are `chosen`: one transaction, one mark, a result for each.

    With `rehearse` nothing is kept: the results say what it would do. With a `digest` of such results it is
    done only while it would do exactly that. A refused address stops all of it (Conflict), unless refused
    ones are to be left out. Raises Invalid for an unknown deed or note, and for too many addresses.
    """
    if deed not in DEEDS:
        raise Invalid.of("action", f"“{printable(deed, 40)}” is no choice.", f"Choose {', '.join(DEEDS)}.")
    what = DEEDS[deed]
    require_may_make(actor, domain)
    check_digest(digest)
    with Checks() as checks:
        note = check_text(note, field="note", maximum=200) if note and what.takes_note else ""
    checks.finish()
    visible = access.mailboxes_in(actor, domain)
    ids = sorted(visible.filter(pk__in=chosen.values("pk")).values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise Invalid.of("addresses", f"These are more than {MOST:,} addresses.", "Choose fewer of them.")
    if not ids:
        raise Invalid.of("addresses", "No address was chosen.", "Choose at least one.")
    with one_set(actor, domain, rehearse=rehearse) as gathered, _held(domain, ids) as mailboxes:
        # Aliases come back after the mailboxes that they deliver to.
        order = sorted(
            mailboxes, key=lambda mailbox: (mailbox.kind == Mailbox.Kind.ALIAS, mailbox.local_part)
        )
        if deed == "restore":
            gathered.plain = nothing_to_judge(domain, mailboxes)
        with access.ranks_known(actor, domain, [mailbox.local_part for mailbox in mailboxes]):
            found = {mailbox.pk: _one(actor, mailbox, what, note, gathered) for mailbox in order}
        results = tuple(found[mailbox.pk] for mailbox in mailboxes)
        done = Done(results, _digest(deed, note, results))
        if not rehearse:
            _agree(done, digest, leave_out_refused=leave_out_refused)
            _record(actor, domain, deed, done, gathered)
    return Done(done.results, done.digest, gathered.generation)


@contextmanager
def _held(domain: Domain, ids: Sequence[int]) -> Iterator[list[Mailbox]]:
    found: list[Mailbox] = []
    with ExitStack() as stack:
        for some in batched(ids):
            rows = Mailbox.objects.filter(pk__in=some).prefetch_related("targets")
            found += stack.enter_context(holding(rows))
        for mailbox in found:
            mailbox.domain = domain
        yield sorted(found, key=lambda mailbox: mailbox.local_part)


def _one(actor: Actor, mailbox: Mailbox, deed: Deed, note: str, gathered: Gathered) -> Result:
    if deed.already(mailbox, note):
        return Result(str(mailbox), changed=False)
    try:
        with gathered.one():  # each action is a transaction of its own inside of this one
            deed.do(actor, mailbox, note)
    except ActionError as error:
        return Result(str(mailbox), changed=False, problems=problems_of(error))
    return Result(str(mailbox), changed=True)


def _digest(deed: str, note: str, results: Sequence[Result]) -> str:
    parts = [deed, note, *(f"{each.address} {each.verdict} {each.problems}" for each in results)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _agree(done: Done, digest: str | None, *, leave_out_refused: bool) -> None:
    if digest is not None and digest != done.digest:
        raise Conflict("Something changed since you looked. Look again at what this would do.")
    if done.refused and not leave_out_refused:
        raise Invalid(
            Problem(f"addresses[{result.address}]", *_words(result)) for result in done.refused[:100]
        )
    if not done.count("changed"):
        raise Conflict("There is nothing to do: all of them are like that already.")


def _words(result: Result) -> tuple[str, str]:
    return " ".join(each.problem for each in result.problems), result.problems[-1].fix


def _record(actor: Actor, domain: Domain, deed: str, done: Done, gathered: Gathered) -> None:
    changed = done.count("changed")
    record(
        actor,
        "change_mailboxes",
        domain,
        f"{changed:,} address{'es' if changed != 1 else ''} of {domain} {'were' if changed != 1 else 'was'}"
        f" {DEEDS[deed].done} at once.",
        domain=domain,
        target=gathered.relays.get(domain.pk),
        after={"action": deed, "changed": changed, "refused": len(done.refused)},
    )


final("Each address was changed on its own, too: undo that in its history.", "change_mailboxes")
