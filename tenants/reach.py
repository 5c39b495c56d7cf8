"""Whom aliases reach, and why: one answer for the entry that is written, the page and the API."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tenants.formats.addresses import MAX_REACHED
from tenants.formats.exchanges import host_of
from tenants.formats.expansion import expand
from tenants.models import Delivery, Domain, Mailbox, TargetAddress

# Of a delivery: its mailbox is on, and somebody agreed to get that one's mail.
IS_SERVED = Exists(
    TargetAddress.objects.filter(
        mailbox=OuterRef("mailbox"),
        mailbox__enabled=True,
        mailbox__trashed_at=None,
        confirmed_at__isnull=False,
        exchange__in=TargetAddress.FLOWS,
    )
)
# Of an alias: there is such a delivery.
IS_FED = Exists(Delivery.objects.filter(IS_SERVED, alias=OuterRef("pk")))
# Somebody agreed to get its mail, whichever way it comes: then it is written outside.
REACHES_SOMEBODY = Q(
    Exists(
        TargetAddress.objects.filter(
            mailbox=OuterRef("pk"), confirmed_at__isnull=False, exchange__in=TargetAddress.FLOWS
        )
    )
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

    def served(self, together: Collection[str]) -> list[str]:
        """What the alias's entry gets of it."""
        return [] if self.state else [each for each in self.targets if host_of(each) in together]


def reaches(aliases: QuerySet[Mailbox], domain: Domain) -> dict[int, Reach]:
    """By id, whom those of `aliases` (all of `domain`) reach that deliver to mailboxes; three queries.

    Own targets come first, then the mailboxes in the order in which they were chosen. One that is switched
    off or in the trash adds nothing; targets that ptt might mix up with those before them neither.
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
    together = dict(aliases.filter(pk__in=of_alias).values_list("pk", "flowing_hosts"))
    own = {alias_id: _Source("", "") for alias_id in of_alias}
    _fill(own, feeding.values("alias"))
    _fill(sources, feeding.values("mailbox"))
    return {
        alias_id: _reach([own[alias_id], *(sources[pk] for pk in mailbox_ids)], together[alias_id])
        for alias_id, mailbox_ids in of_alias.items()
    }


def _fill(sources: dict[int, _Source], mailboxes: QuerySet[Delivery, Any]) -> None:
    rows = TargetAddress.objects.filter(mailbox__in=mailboxes).order_by("pk")
    columns = ("mailbox_id", "address", "confirmed_at", "exchange")
    for mailbox_id, address, confirmed_at, exchange in rows.values_list(*columns):
        if mailbox_id in sources:
            source = sources[mailbox_id]
            flows = confirmed_at is not None and exchange in TargetAddress.FLOWS
            (source.targets if flows else source.waiting).append(address)


def _reach(sources: list[_Source], together: Sequence[str]) -> Reach:
    lists = [source.served(together) for source in sources]
    expanded = expand(lists, _too_many)
    parts = []
    for index, source in enumerate(sources):
        apart = [each for each in source.targets if host_of(each) not in together]
        reason = "" if source.targets else "Nobody has confirmed yet that they get its mail."
        if apart:
            reason = (
                f"{apart[0]} gets nothing of it: its mail server is being looked up, or is also that of"
                " another domain here, which ptt's relay would mix up with it."
            )
        parts.append(
            Part(
                local_part=source.local_part,
                targets=tuple(source.targets),
                waiting=tuple(source.waiting),
                why_not=source.state or expanded.left_out.get(index, reason),
            )
        )
    return Reach(expanded.targets, tuple(parts))


def _too_many(targets: Sequence[str]) -> str:
    return f"One entry holds {MAX_REACHED} addresses at most." if len(targets) > MAX_REACHED else ""


def reach_of(alias: Mailbox) -> Reach | None:
    """Whom one alias reaches; None for an address that delivers to no mailbox."""
    return reaches(Mailbox.objects.filter(pk=alias.pk), alias.domain).get(alias.pk)
