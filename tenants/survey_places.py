"""The four places of an installation: which sync target reads each, and why one was not read yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tenants.models import (
    Condition,
    Firewall,
    Host,
    Repository,
    Survey,
    SurveyLook,
    SyncTarget,
    Zone,
)

Place = SurveyLook.Place


@dataclass(frozen=True)
class SurveyedPlace:
    """A place. `target` reads it; where there is none, `missing` says what to do (and `why` it is so)."""

    place: Place
    target: SyncTarget | None
    why: str = ""
    missing: str = ""


def targets_of(survey: Survey) -> tuple[SurveyedPlace, ...]:
    """The four places, in the order in which they are shown. A zone may be in one of several repositories."""
    return (
        SurveyedPlace(Place.HOST, survey.share.sync_target),
        _rules(survey),
        _users(survey),
        *_zones(survey),
    )


def _rules(survey: Survey) -> SurveyedPlace:
    host = survey.share.host
    row = Firewall.objects.filter(host=host).select_related("sync_target").first()
    if row is not None and row.enabled:
        return SurveyedPlace(Place.RULES, row.sync_target)
    if host.transport != Host.Transport.SSH:
        return SurveyedPlace(
            Place.RULES,
            None,
            f"Rookery reaches {host} without SSH, and so cannot read its rules.",
            "Connect the host by SSH to have them explained.",
        )
    return SurveyedPlace(
        Place.RULES,
        None,
        f"Rookery may not read the rules of {host} yet.",
        "An operator of this Rookery lets it, on the host's page or by looking here.",
    )


def _users(survey: Survey) -> SurveyedPlace:
    row = Repository.objects.filter(domain=survey.domain_id).select_related("sync_target").first()
    if row is not None:
        return SurveyedPlace(Place.USERS, row.sync_target)
    return SurveyedPlace(
        Place.USERS,
        None,
        "No relay repository is connected.",
        "Connect the one that the relay and the submission server read; it is only looked at.",
    )


def _zones(survey: Survey) -> Iterator[SurveyedPlace]:
    zone = Zone.objects.filter(domain=survey.domain_id).select_related("target__repository").first()
    if zone is not None:
        yield SurveyedPlace(Place.ZONE, zone.target)
        return
    rows = Repository.objects.filter(
        organization=survey.domain.organization_id, kind=Repository.Kind.ZONE
    ).select_related("sync_target")
    found = [SurveyedPlace(Place.ZONE, row.sync_target) for row in rows.order_by("pk")[:20]]
    if found:
        yield from found
        return
    yield SurveyedPlace(
        Place.ZONE,
        None,
        "No zone repository is connected.",
        "Connect the one that the primary reads; nothing is written into it before a zone is taken over.",
    )


def why_not_read(place: SurveyedPlace) -> str:
    """Why nobody has read a place yet, in the words of its last pass."""
    target = place.target
    if target is None:
        return f"{place.why} {place.missing}"
    kinds = (Condition.Type.REACHABLE, Condition.Type.SYNCED)
    rows = target.conditions.filter(status=False, type__in=kinds)
    row = rows.order_by("-seen_at").first()
    if row is not None and (target.stop_code or target.failures):
        return row.message[:600]
    return "A worker is about to look."
