"""Measures of the work, read from the database at each scrape: the same whichever web process is asked.

Labels are kinds, states and codes of ours; nobody's name is in them.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tenants.models import Condition, HostWatch, Installation, OutgoingMail, Run, SyncTarget
from tenants.models.sync import LONG_AGO

WINDOW = timedelta(hours=1)
# Codes are from a list in the code, which nobody keeps: the rarest are told as one.
MOST_OUTCOMES = 30
# The newest are enough to tell how long somebody waits.
MOST_DURATIONS = 5000
QUANTILES = (0.5, 0.95, 0.99, 1.0)


def waiting_targets() -> QuerySet[SyncTarget]:
    """Asked for something that is not proved; a stopped one waits for a person, not for a worker."""
    return SyncTarget.objects.filter(
        Q(stop_code="") | Q(generation__gt=F("stop_generation")), generation__gt=F("observed_generation")
    )


def sweep_age(now: datetime) -> float | None:
    """Seconds since a worker looked for what is due; None if none ever did."""
    swept_at = Installation.objects.values_list("swept_at", flat=True).first()
    return seconds_since(swept_at, now) if swept_at else None


def seconds_since(then: datetime | None, now: datetime) -> float:
    return max(0.0, (now - then).total_seconds()) if then else 0.0


class WorkCollector(Collector):
    """Everything below is a gauge: it tells how things stand now, or stood in the last hour."""

    def describe(self) -> Iterable[Metric]:
        """Names without values, so that to register asks no database."""
        return [_gauge(name) for name in NAMES]

    def collect(self) -> Iterator[Metric]:
        try:
            found = list(_all(timezone.now()))
        except DatabaseError:
            yield _gauge("rookery_database_up", [((), 0)])
            return
        yield _gauge("rookery_database_up", [((), 1)])
        yield from found


NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "rookery_database_up": ("1 if the database answered this scrape.", ()),
    "rookery_sweep_age_seconds": ("Since a worker last looked for what is due.", ()),
    "rookery_backup_age_seconds": ("Since the last backup was whole; absent where none was.", ()),
    "rookery_backup_failed": ("1 if the last try to make a backup did not succeed.", ()),
    "rookery_targets_held": ("Targets that wait after a restore until an operator lets them go.", ()),
    "rookery_targets": ("Sync targets.", ("kind",)),
    "rookery_targets_waiting": ("Targets with a change that is not proved yet.", ("kind",)),
    "rookery_oldest_waiting_seconds": ("How long the oldest such change has waited.", ("kind",)),
    "rookery_targets_stopped": ("Targets that stopped until a person decides.", ("kind",)),
    "rookery_targets_failing": ("Targets whose last pass failed and is tried again.", ("kind",)),
    "rookery_oldest_check_seconds": ("Since the target was looked at that was so longest ago.", ("kind",)),
    "rookery_leases": (
        "Targets that a worker has (held), or had and never gave back (left).",
        ("kind", "state"),
    ),
    "rookery_lease_waits": ("Targets with a change that waits for a running pass to end.", ("kind",)),
    "rookery_lease_wait_seconds": ("How long the oldest such change has waited.", ("kind",)),
    "rookery_conditions": ("Conditions that stand.", ("kind", "type", "status")),
    "rookery_runs_unfinished": ("Runs that are not finished.", ("kind", "state")),
    "rookery_runs_last_hour": (
        "Runs begun in the last hour, by how they stand.",
        ("kind", "mode", "state", "outcome"),
    ),
    "rookery_request_to_observed_seconds": (
        "From a change's request to its proof outside, of runs begun in the last hour.",
        ("kind", "quantile"),
    ),
    "rookery_request_to_observed_runs": ("How many runs that is computed from.", ("kind",)),
    "rookery_mails_waiting": ("Mails of the panel that are not sent yet.", ()),
    "rookery_oldest_mail_seconds": ("How long the oldest of them has waited.", ()),
    "rookery_mails_given_up_last_hour": ("Mails that were not delivered in the end.", ()),
    "rookery_hosts_watched": ("Hosts whose consoles are followed (yes), or should be (no).", ("watched",)),
}


def _gauge(name: str, values: Iterable[tuple[tuple[str, ...], float]] = ()) -> GaugeMetricFamily:
    text, labels = NAMES[name]
    family = GaugeMetricFamily(name, text, labels=labels)
    for given, value in values:
        family.add_metric(given, value)
    return family


def _all(now: datetime) -> Iterator[Metric]:
    age = sweep_age(now)
    yield _gauge("rookery_sweep_age_seconds", [] if age is None else [((), age)])
    yield from _backups(now)
    yield from _targets(now)
    yield from _leases(now)
    yield from _runs(now)
    rows = Condition.objects.order_by().values_list("target__kind", "type", "status").annotate(n=Count("pk"))
    yield _gauge(
        "rookery_conditions", [((kind, type_, str(status).lower()), n) for kind, type_, status, n in rows]
    )
    yield from _mails(now)
    watched = HostWatch.objects.filter(lease_until__gte=now).count()
    others = HostWatch.objects.filter(lease_until__lt=now).count()
    yield _gauge("rookery_hosts_watched", [(("yes",), watched), (("no",), others)])


def _backups(now: datetime) -> Iterator[Metric]:
    here = Installation.objects.values_list("backed_up_at", "backup_problem").first()
    made, problem = here or (None, "")
    yield _gauge("rookery_backup_age_seconds", [((), seconds_since(made, now))] if made else [])
    yield _gauge("rookery_backup_failed", [((), int(bool(problem)))])
    held = SyncTarget.objects.filter(held_since__isnull=False).count()
    yield _gauge("rookery_targets_held", [((), held)])


def _by_kind(rows: QuerySet[SyncTarget], **measures: Any) -> dict[str, tuple[Any, ...]]:
    found = rows.order_by().values_list("kind").annotate(**measures)
    return {kind: tuple(values) for kind, *values in found}


def _targets(now: datetime) -> Iterator[Metric]:
    everything = _by_kind(SyncTarget.objects.all(), n=Count("pk"), oldest=Min("checked_at"))
    waiting = _by_kind(waiting_targets(), n=Count("pk"), oldest=Min("marked_at"))
    stopped = _by_kind(SyncTarget.objects.exclude(stop_code=""), n=Count("pk"))
    failing = _by_kind(SyncTarget.objects.filter(failures__gt=0, stop_code=""), n=Count("pk"))
    # Every kind is told, also with 0: an alert must not depend on whether a series exists.
    kinds = SyncTarget.Kind.values
    yield _gauge("rookery_targets", [((kind,), everything.get(kind, (0,))[0]) for kind in kinds])
    yield _gauge("rookery_targets_waiting", [((kind,), waiting.get(kind, (0,))[0]) for kind in kinds])
    yield _gauge(
        "rookery_oldest_waiting_seconds",
        [((kind,), seconds_since(waiting.get(kind, (0, None))[1], now)) for kind in kinds],
    )
    yield _gauge("rookery_targets_stopped", [((kind,), stopped.get(kind, (0,))[0]) for kind in kinds])
    yield _gauge("rookery_targets_failing", [((kind,), failing.get(kind, (0,))[0]) for kind in kinds])
    yield _gauge(
        "rookery_oldest_check_seconds",
        [((kind,), seconds_since(everything.get(kind, (0, None))[1], now)) for kind in kinds],
    )


def _leases(now: datetime) -> Iterator[Metric]:
    held = _by_kind(SyncTarget.objects.filter(lease_until__gte=now), n=Count("pk"))
    left = _by_kind(
        SyncTarget.objects.filter(lease_until__lt=now, lease_until__gt=LONG_AGO).exclude(lease_owner=""),
        n=Count("pk"),
    )
    # What the pass set out to prove is older than what is asked for by now.
    proving = Run.objects.filter(
        target=OuterRef("pk"), mode=Run.Mode.APPLY, state=Run.State.RUNNING, fence=OuterRef("fence")
    ).order_by("-pk")
    behind = waiting_targets().annotate(proving=Subquery(proving.values("generation")[:1]))
    waits = _by_kind(
        behind.filter(lease_until__gte=now, proving__lt=F("generation")),
        n=Count("pk"),
        oldest=Min("marked_at"),
    )
    kinds = SyncTarget.Kind.values
    rows = [((kind, "held"), held.get(kind, (0,))[0]) for kind in kinds]
    yield _gauge("rookery_leases", rows + [((kind, "left"), left.get(kind, (0,))[0]) for kind in kinds])
    yield _gauge("rookery_lease_waits", [((kind,), waits.get(kind, (0,))[0]) for kind in kinds])
    yield _gauge(
        "rookery_lease_wait_seconds",
        [((kind,), seconds_since(waits.get(kind, (0, None))[1], now)) for kind in kinds],
    )


def _runs(now: datetime) -> Iterator[Metric]:
    open_runs = Run.objects.filter(state__in=Run.UNFINISHED).order_by()
    rows = open_runs.values_list("target__kind", "state").annotate(n=Count("pk"))
    yield _gauge("rookery_runs_unfinished", [((kind, state), n) for kind, state, n in rows])

    lately = Run.objects.filter(created_at__gte=now - WINDOW)
    labels = ("target__kind", "mode", "state", "outcome")
    counted = list(lately.order_by().values_list(*labels).annotate(n=Count("pk")))
    yield _gauge("rookery_runs_last_hour", _bounded(counted))

    done = lately.filter(state=Run.State.SUCCEEDED, mode=Run.Mode.APPLY, asked_at__isnull=False)
    times = done.order_by("-created_at").values_list("target__kind", "asked_at", "finished_at")
    durations: dict[str, list[float]] = {}
    for kind, asked_at, finished_at in times[:MOST_DURATIONS]:
        if asked_at and finished_at:
            durations.setdefault(kind, []).append(seconds_since(asked_at, finished_at))
    yield _gauge(
        "rookery_request_to_observed_seconds",
        [
            ((kind, f"{share:g}"), quantile(each, share))
            for kind, each in sorted(durations.items())
            for share in QUANTILES
        ],
    )
    yield _gauge(
        "rookery_request_to_observed_runs", [((kind,), len(each)) for kind, each in durations.items()]
    )


def _bounded(rows: list[tuple[str, str, str, str, int]]) -> list[tuple[tuple[str, ...], float]]:
    """One value for each set of labels, with `other` for outcomes beyond the most frequent."""
    outcomes = Tally[str]()
    for *_, outcome, n in rows:
        outcomes[outcome] += n
    told = {outcome for outcome, _ in outcomes.most_common(MOST_OUTCOMES)}
    found = Tally[tuple[str, ...]]()
    for kind, mode, state, outcome, n in rows:
        found[kind, mode, state, outcome if outcome in told else "other"] += n
    return list(found.items())


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _mails(now: datetime) -> Iterator[Metric]:
    waiting = OutgoingMail.objects.filter(sent_at=None, given_up_at=None)
    found = waiting.aggregate(n=Count("pk"), oldest=Min("created_at"))
    yield _gauge("rookery_mails_waiting", [((), found["n"])])
    yield _gauge("rookery_oldest_mail_seconds", [((), seconds_since(found["oldest"], now))])
    lost = OutgoingMail.objects.filter(given_up_at__gte=now - WINDOW).count()
    yield _gauge("rookery_mails_given_up_last_hour", [((), lost)])
