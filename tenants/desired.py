"""Rows → frozen dataclasses: the only shape of desired state that workers see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from tenants.formats.passphrase import hash_passphrase
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry
from tenants.models import Canary, Domain, Mailbox, Stack, SyncTarget, TargetAddress
from tenants.one_moment import one_moment
from tenants.reach import reaches
from tenants.secrets import Opener, Purpose

# SQLite takes a bounded number of parameters; names beyond it mean that everything is looked at.
_NAMES_AT_ONCE = 500


@dataclass(frozen=True)
class DesiredRelay:
    """What one relay repository should hold.

    `entries` are to be there with this meaning, `absent` are to be gone; every other name is not ours.
    With `complete` false only units that may differ were loaded: those changed since the observed
    generation, and those asked for by name. All others were proved equal and have not changed since.
    """

    generation: int
    entries: Mapping[bytes, RelayEntry] = field(repr=False)
    absent: frozenset[bytes]
    complete: bool

    @property
    def names(self) -> frozenset[bytes]:
        return frozenset(self.entries) | self.absent


@one_moment()
def desired_relay(
    target: SyncTarget, opener: Opener, *, names: Collection[bytes] | None = None
) -> DesiredRelay:
    """Load desired users of a relay; with `names`, only changed rows and these.

    An address is written outside only when it is switched on, not in the trash, and at least one of its
    targets was confirmed; only confirmed targets are written, and none that ptt's relay might mix up with
    another (see formats.exchanges). The entry of an alias also holds the targets of the mailboxes that it
    delivers to: the relay does not look a target up again.
    """
    assert target.repository is not None  # noqa: S101 - of every relay target
    domain = target.repository.domain
    assert domain is not None  # noqa: S101 - a relay repository belongs to a domain
    complete = names is None or len(names) > _NAMES_AT_ONCE
    rows = Mailbox.objects.filter(domain=domain)
    if not complete and names is not None:
        asked = [name.decode("utf-8", "replace") for name in names]
        rows = rows.filter(Q(generation__gt=target.observed_generation) | Q(local_part__in=asked))
    entries, absent = entries_of(domain, rows, opener)
    for canary in Canary.objects.filter(stack__domain=domain).select_related("stack"):
        name = canary.local_part.encode()
        if not complete and canary.generation <= target.observed_generation and name not in (names or ()):
            continue
        if canary.stack.wanted == Stack.Wanted.REMOVED:
            absent.add(name)
        else:
            entries[name] = _entry_of(canary, opener)
    return DesiredRelay(target.generation, entries, frozenset(absent), complete)


def _entry_of(canary: Canary, opener: Opener) -> RelayEntry:
    """Without a home its mail ends at the relay, which takes it and sends it nowhere."""
    password = hash_passphrase(opener.open(Purpose.CANARY, bytes(canary.sealed_secret)))
    return RelayEntry(targets=(canary.home,) if canary.home else (), password=password)


def entries_of(
    domain: Domain, rows: QuerySet[Mailbox], opener: Opener
) -> tuple[dict[bytes, RelayEntry], set[bytes]]:
    """The entries of those `rows` of a domain that get mail, and the names of those that do not."""
    confirmed = TargetAddress.objects.filter(
        confirmed_at__isnull=False, exchange__in=TargetAddress.FLOWS, mailbox__in=rows.values("pk")
    )
    agreed: dict[int, list[str]] = {}
    for mailbox_id, address in confirmed.order_by("pk").values_list("mailbox_id", "address"):
        agreed.setdefault(mailbox_id, []).append(address)
    reached = {pk: list(reach.targets) for pk, reach in reaches(rows, domain).items()}
    entries: dict[bytes, RelayEntry] = {}
    absent: set[bytes] = set()
    columns = ("pk", "local_part", "trashed_at", "enabled", "sealed_hash")
    for pk, local_part, trashed_at, enabled, sealed in rows.values_list(*columns):
        name = local_part.encode()
        targets = reached[pk] if pk in reached else agreed.get(pk)
        if trashed_at or not enabled or not targets:
            absent.add(name)
            continue
        password = opener.open(Purpose.MAILBOX_HASH, bytes(sealed)) if sealed else NO_LOGIN
        entries[name] = RelayEntry(targets=tuple(targets), password=password)
    return entries, absent


def known_names(target: SyncTarget) -> frozenset[bytes]:
    """Every name that has a row here, in whatever state: all others in the repository are foreign."""
    assert target.repository is not None  # noqa: S101
    domain = target.repository.domain_id
    rows = Mailbox.objects.filter(domain=domain).values_list("local_part", flat=True)
    canaries = Canary.objects.filter(stack__domain=domain).values_list("local_part", flat=True)
    return frozenset(name.encode() for name in (*rows, *canaries))
