"""What passes read, kept for those who want an existing installation explained. Nothing is asked for it: each
kind of target hands over what it has just read, and nothing is computed twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tenants.actions.surveys import record_look
from tenants.actor import Actor
from tenants.formats.existing.arguments import see_arguments
from tenants.formats.existing.rules import read_rules
from tenants.formats.existing.seen import (
    MOST_UNIKERNELS,
    SeenHost,
    SeenUnikernel,
    SeenUsers,
    SeenZone,
    dump,
    load,
)
from tenants.formats.existing.zone import see_zone, unserved
from tenants.formats.firewall.helper import Report
from tenants.formats.relay_entry import NO_LOGIN, Readable, read
from tenants.formats.text import printable
from tenants.formats.unikernels import DesiredHost
from tenants.formats.zones.keyfile import TsigKey, key_file_name, read_keys
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.errors import ZoneFileError
from tenants.formats.zones.zone_file import read_zone
from tenants.models import Survey, SurveyLook
from tenants.secrets import Opener
from workers.albatross.releases import Dialect
from workers.hosting import foreign
from workers.hosting.seen import SeenHost as Running
from workers.targets.base import Pass

Place = SurveyLook.Place
_MOST_SURVEYS = 200
_MOST_ENTRIES = 20_000
_LONGEST_LABEL = 63 + 64


def saw_host(current: Pass, desired: DesiredHost, seen: Running, dialect: Dialect, opener: Opener) -> None:
    """What runs in one part of a host."""
    for survey in Survey.objects.filter(share=current.target.host_share_id)[:_MOST_SURVEYS]:
        known = _look(survey, Place.HOST)
        told = {
            (each.name, each.mark): each.told
            for one in (load(SeenHost, known.seen).unikernels if known is not None else ())
            for each in one.arguments
            if each.mark
        }
        _keep(current, survey, Place.HOST, dump(_host(current, desired, seen, dialect, opener, told)), known)


def _host(
    current: Pass,
    desired: DesiredHost,
    seen: Running,
    dialect: Dialect,
    opener: Opener,
    told: Mapping[tuple[str, str], str],
) -> SeenHost:
    others = {each.unit: each for each in foreign.find(desired, seen, dialect) if each.info is not None}
    reasons = {each.info.name: each.sentence for each in others.values() if each.info and not each.takeable}
    found = []
    inside = sorted(seen.inside, key=lambda one: one.name.folded.labels)
    for info in inside[:MOST_UNIKERNELS]:
        # A key of RSA takes up to a second: renew before each.
        current.renew()
        settings = info.settings
        here = info.name.folded.path == seen.path.folded.path
        labels = info.name.labels[len(seen.path.path) :]
        found.append(
            SeenUnikernel(
                label=printable(":".join(labels), _LONGEST_LABEL),
                digest=info.digest.hex(),
                memory=settings.memory,
                bridges=tuple(printable(each.bridge or each.name, 40) for each in settings.networks),
                arguments=see_arguments(settings.arguments, opener.mark, told),
                restarts=settings.restart_on_exit is not None,
                ours=here and (info.name.folded.label or "") in desired.labels,
                why_not=_why_not(reasons.get(info.name, "")),
            )
        )
    return SeenHost(tuple(found), max(len(inside) - MOST_UNIKERNELS, 0))


def _why_not(sentence: str) -> str:
    return sentence.partition("It cannot be taken over. ")[2]


def saw_rules(current: Pass, report: Report) -> None:
    """The foreign rules of a host. Which of them somebody may see is decided when they are shown."""
    firewall = current.target.firewall
    surveys = list(Survey.objects.filter(share__host=firewall.host_id)[:_MOST_SURVEYS]) if firewall else []
    if not surveys:
        return
    family = report.families[4]
    seen = dump(read_rules(family.text, family.program.partition("-")[0] or "iptables"))
    for survey in surveys:
        _keep(current, survey, Place.RULES, seen, _look(survey, Place.RULES))


def saw_users(
    current: Pass, commit: str | None, ids: Mapping[bytes, str], blob: Callable[[str], bytes]
) -> None:
    """The users of a domain, counted as ptt reads them; again only when the branch moved."""
    repository = current.target.repository
    survey = Survey.objects.filter(domain=repository.domain_id).first() if repository else None
    if survey is None or repository is None:
        return
    known = _look(survey, Place.USERS)
    if known is not None and load(SeenUsers, known.seen).commit == (commit or ""):
        return
    users, logins, skipped = 0, 0, 0
    for name, identity in list(ids.items())[:_MOST_ENTRIES]:
        verdict = read(name, blob(identity))
        if isinstance(verdict, Readable):
            users += 1
            logins += verdict.entry.password != NO_LOGIN
        else:
            skipped += 1
    seen = SeenUsers(repository.branch, commit or "", users, logins, skipped)
    _keep(current, survey, Place.USERS, dump(seen), known)


def saw_zones(
    current: Pass, files: Mapping[bytes, str], blob: Callable[[str], bytes], opener: Opener
) -> None:
    """The zones of domains that are surveyed, among those of a repository."""
    branch = repository.branch if (repository := current.target.repository) is not None else ""
    rows = Survey.objects.filter(domain__organization=current.target.organization_id)
    for survey in rows.select_related("domain", "domain__zone")[:_MOST_SURVEYS]:
        zone = getattr(survey.domain, "zone", None)
        if zone is not None and zone.target_id != current.target.pk:
            continue
        known = _look(survey, Place.ZONE)
        seen = _zone(current, survey.domain.name, branch, files, blob, opener)
        elsewhere = known is not None and known.target_id != current.target.pk
        if not seen.there and elsewhere and known is not None and load(SeenZone, known.seen).there:
            continue
        _keep(current, survey, Place.ZONE, dump(seen), known)


def _zone(
    current: Pass,
    name: str,
    branch: str,
    files: Mapping[bytes, str],
    blob: Callable[[str], bytes],
    opener: Opener,
) -> SeenZone:
    origin = Name.of(name)
    identity = files.get(name.encode())
    if identity is None:
        return unserved(name, "", branch)
    try:
        zone = read_zone(blob(identity), origin)
    except ZoneFileError as error:
        return unserved(name, str(error), branch)
    keys: tuple[TsigKey, ...] = ()
    identity = files.get(key_file_name(origin).encode())
    if identity is not None:
        try:
            keys = tuple(read_keys(blob(identity), origin).keys)
        except ZoneFileError:
            keys = ()  # the primary has none of them either
    return see_zone(zone, keys, opener.mark, current.now, branch)


def _look(survey: Survey, place: str) -> SurveyLook | None:
    return SurveyLook.objects.filter(survey=survey, place=place).first()


def _keep(current: Pass, survey: Survey, place: str, seen: dict[str, Any], known: SurveyLook | None) -> None:
    """What is as it was is only dated anew: a page says when it was read last."""
    seen = json.loads(json.dumps(seen))  # as it comes back: lists for tuples
    if known is not None and known.seen == seen and known.target_id == current.target.pk:
        SurveyLook.objects.filter(pk=known.pk).update(seen_at=current.now)
        return
    with current.write():
        record_look(
            actor=Actor.rookery(),
            survey=survey,
            place=place,
            target=current.target,
            seen=seen,
            at=current.now,
        )
