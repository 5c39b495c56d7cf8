"""What workers heard from the name servers of a zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from tenants.actions.locking import lock
from tenants.actions.mail_checks import check_soon
from tenants.actions.reversals import final
from tenants.actions.zone_proofs import require_worker
from tenants.actor import Actor
from tenants.formats.zones.agreement import Agreement, Judged, Reply, Server, is_overdue, judge_all
from tenants.models import ServerAnswer, Zone
from tenants.name_servers import judged_of

EVERY, SOON = timedelta(hours=24), timedelta(minutes=15)


@transaction.atomic
def record_server_answers(
    *, actor: Actor, zone: Zone, replies: Mapping[Server, Reply], at: datetime, asked_until: datetime
) -> dict[Server, Judged]:
    """Keep what the name servers said at `at`, and when they are asked again: soon while one has not what the
    primary has. What somebody wants asked since the look began (it was to be over by `asked_until`) stays
    wanted. Answers of servers that were not asked are forgotten.

    When a secondary begins to lag for too long, or none does any more, the domain's checks are done again:
    they tell people.
    """
    require_worker(actor)
    lock(zone)
    rows = {judged_of(row)[0]: row for row in zone.server_answers.all()}
    lagged = any(_lags(zone, server, judged_of(row)[1], row.asked_at) for server, row in rows.items())
    known = {server: judged_of(row)[1] for server, row in rows.items()}
    found = judge_all(dict(replies), zone.served_serial, known, at)
    zone.server_answers.exclude(pk__in=[row.pk for server, row in rows.items() if server in found]).delete()
    for server, judged in found.items():
        row = rows.get(server) or ServerAnswer(
            zone=zone, host=server.host, address=server.address, primary=server.primary
        )
        row.agreement, row.serial, row.behind = judged.agreement, judged.serial, judged.behind
        row.problem, row.since, row.apart_since = judged.problem, judged.since, judged.apart_since
        row.asked_at = at
        row.save()
    if any(_lags(zone, *each, at) for each in found.items()) != lagged:
        check_soon(zone.domain)
    if zone.servers_look_at == asked_until:
        agree = all(each.agreement is Agreement.AGREES for each in found.values())
        zone.servers_look_at = at + (EVERY + timedelta(seconds=zone.pk % 3600) if agree else SOON)
        zone.save(update_fields=["servers_look_at"])
    return found


def _lags(zone: Zone, server: Server, judged: Judged, at: datetime) -> bool:
    return not server.primary and is_overdue(judged, zone.refresh, zone.retry, at)


final("It notes what name servers said; nothing was changed.", "record_server_answers")
