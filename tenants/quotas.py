"""What organizations may have, what they have of it, and what is left. Changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count

from tenants.models import Membership, Organization, Webhook


@dataclass(frozen=True)
class Thing:
    """What a quota is of: its words, and what whoever has no more room of it does about that."""

    one: str
    many: str
    free_some: str


THINGS: Mapping[str, Thing] = {
    "domain": Thing("domain", "domains", "Hand over one that belongs elsewhere"),
    "mailbox": Thing("address", "addresses", "Delete addresses that nobody needs"),
    "member": Thing("person", "people", "Remove somebody who left"),
    "token": Thing("key of its own", "keys of its own", "Revoke one that nobody uses"),
    "webhook": Thing("webhook", "webhooks", "Remove one that nobody reads"),
}
FIELDS = tuple(f"{what}_quota" for what in THINGS)
MOST = 1_000_000


@dataclass(frozen=True)
class Quota:
    """How much of one thing an organization has and may have."""

    what: str
    used: int
    quota: int

    @property
    def left(self) -> int:
        return max(self.quota - self.used, 0)

    @property
    def sentence(self) -> str:
        """E.g. “3 of 10 domains are used, 7 left.”"""
        word = THINGS[self.what].one if self.quota == 1 else THINGS[self.what].many
        left = f"{self.left:,} left" if self.left else "none is left"
        return f"{self.used:,} of {self.quota:,} {word}, {left}."


def _people(ids: Iterable[int], *, are_programs: bool) -> dict[int, int]:
    rows = Membership.objects.filter(organization__in=ids, account__is_service=are_programs)
    return dict(rows.values_list("organization_id").annotate(Count("pk")))


def _webhooks(ids: Iterable[int]) -> dict[int, int]:
    rows = Webhook.objects.filter(organization__in=ids)
    return dict(rows.values_list("organization_id").annotate(Count("pk")))


# The others are columns beside their quotas.
_COUNTED: Mapping[str, Callable[[list[int]], dict[int, int]]] = {
    "member": lambda ids: _people(ids, are_programs=False),
    "token": lambda ids: _people(ids, are_programs=True),
    "webhook": _webhooks,
}


def quotas_of(organization: Organization) -> dict[str, int]:
    """The quotas alone, by their fields."""
    return {field: getattr(organization, field) for field in FIELDS}


def standing_of(organization: Organization, what: str) -> Quota:
    """How one quota of an organization stands now, as its row was read."""
    count = _COUNTED.get(what)
    used = (
        count([organization.pk]).get(organization.pk, 0)
        if count is not None
        else getattr(organization, f"{what}_count")
    )
    return Quota(what, used, getattr(organization, f"{what}_quota"))


def standings_of(organizations: Iterable[Organization]) -> dict[int, dict[str, Quota]]:
    """All quotas of several organizations, in as many questions as for one."""
    rows = list(organizations)
    ids = [row.pk for row in rows]
    counts = {what: count(ids) for what, count in _COUNTED.items()}
    found: dict[int, dict[str, Quota]] = defaultdict(dict)
    for row in rows:
        for what in THINGS:
            used = counts[what].get(row.pk, 0) if what in counts else getattr(row, f"{what}_count")
            found[row.pk][what] = Quota(what, used, getattr(row, f"{what}_quota"))
    return found
