"""Whom aliases reach, and why: one answer for the entry that is written, the page and the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tenants.actions.targets import why_not_together
from tenants.formats.expansion import expand
from tenants.models import Delivery, Domain, Mailbox, TargetAddress

# Of a delivery: its mailbox is on, and somebody agreed to get that one's mail.
IS_SERVED = Exists(
    TargetAddress.objects.filter(
        mailbox=OuterRef("mailbox"),
        mailbox__enabled=True,
        mailbox__trashed_at=None,
        confirmed_at__isnull=False,
    )
)
# Of an alias: there is such a delivery.
IS_FED = Exists(Delivery.objects.filter(IS_SERVED, alias=OuterRef("pk")))
# Somebody agreed to get its mail, whichever way it comes: then it is written outside.
REACHES_SOMEBODY = Q(
    Exists(TargetAddress.objects.filter(mailbox=OuterRef("pk"), confirmed_at__isnull=False))
) | Q(IS_FED)


@dataclass(frozen=True)
class Part:
    """What one mailbox (or, without a local part, the alias's own targets) adds to an alias.

    `why_not` says why nothing of it is reached; `targets` have confirmed, `waiting` have not yet.
    """

    local_part: str
    targets: tuple[str, ...]
    waiting: tuple[str, ...]
    why_not: str


@dataclass(frozen=True)
class Reach:
    """`targets` is what the alias's entry holds, in this order."""

    targets: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def left_out(self) -> tuple[Part, ...]:
        """Mailboxes of which nothing is reached."""
        return tuple(part for part in self.parts if part.why_not and part.local_part)


@dataclass
class _Source:
    """A mailbox as it is now, and who confirmed to get its mail."""

    local_part: str
    state: str
    targets: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @property
    def served(self) -> list[str]:
        return [] if self.state else self.targets


def reaches(aliases: QuerySet[Mailbox], domain: Domain) -> dict[int, Reach]:
    """By id, whom those of `aliases` (all of `domain`) reach that deliver to mailboxes; three queries.

    Own targets come first, then the mailboxes in the order in which they were chosen. One that is switched
    off or in the trash adds nothing; one whose targets ptt would mix up with those before it neither.
    """
    feeding = Delivery.objects.filter(alias__in=aliases.values("pk"))
    columns = ("alias_id", "mailbox_id", "mailbox__local_part", "mailbox__enabled", "mailbox__trashed_at")
    sources: dict[int, _Source] = {}
    of_alias: dict[int, list[int]] = {}
    for alias_id, mailbox_id, local_part, enabled, trashed_at in feeding.order_by("pk").values_list(*columns):
        of_alias.setdefault(alias_id, []).append(mailbox_id)
        state = "It is in the trash." if trashed_at else "" if enabled else "It is switched off."
        sources[mailbox_id] = _Source(local_part, state)
    if not of_alias:
        return {}
    own = {alias_id: _Source("", "") for alias_id in of_alias}
    _fill(own, feeding.values("alias"))
    _fill(sources, feeding.values("mailbox"))
    return {
        alias_id: _reach([own[alias_id], *(sources[pk] for pk in mailbox_ids)], domain)
        for alias_id, mailbox_ids in of_alias.items()
    }


def _fill(sources: dict[int, _Source], mailboxes: QuerySet[Delivery, Any]) -> None:
    rows = TargetAddress.objects.filter(mailbox__in=mailboxes).order_by("pk")
    for mailbox_id, address, confirmed_at in rows.values_list("mailbox_id", "address", "confirmed_at"):
        if mailbox_id in sources:
            source = sources[mailbox_id]
            (source.targets if confirmed_at else source.waiting).append(address)


def _reach(sources: list[_Source], domain: Domain) -> Reach:
    together = partial(why_not_together, domain=domain)
    expanded = expand([source.served for source in sources], together)
    parts = []
    for index, source in enumerate(sources):
        nobody = "" if source.targets else "Nobody has confirmed yet that they get its mail."
        parts.append(
            Part(
                local_part=source.local_part,
                targets=tuple(source.targets),
                waiting=tuple(source.waiting),
                why_not=source.state or expanded.left_out.get(index, nobody),
            )
        )
    return Reach(expanded.targets, tuple(parts))


def reach_of(alias: Mailbox) -> Reach | None:
    """Whom one alias reaches; None for an address that delivers to no mailbox."""
    return reaches(Mailbox.objects.filter(pk=alias.pk), alias.domain).get(alias.pk)
