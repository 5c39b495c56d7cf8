"""Asking the name servers of zones which version they have: daily, after a change, and while one lags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.actions.server_answers import record_server_answers
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.zones.agreement import MOST_SERVERS, Reply, Server
from tenants.models import Zone
from tenants.name_servers import name_servers, primary_place, servers_elsewhere
from tenants.zone_contents import origin_of
from workers.recorder import state_conditions
from workers.targets.server_statements import servers_statement
from workers.zone import Dial, ZoneError, served_serial
from workers.zone import Server as Place

# Longer than all may take that are asked at once.
CLAIM = timedelta(seconds=60)
AT_ONCE = 8
_SECONDS = 4.0


@dataclass(frozen=True)
class ServerAsker:
    """`dial` decides who may be asked; `port_of` says where a name server at an address really listens: a
    sandbox's may have no low ports. `resolve` gives the addresses of a name, none where nobody knows it."""

    dial: Dial
    port_of: Callable[[str], int] = lambda address: 53
    resolve: Callable[[str], Sequence[str]] = lambda name: ()
    now: Callable[[], datetime] = timezone.now
    seconds: float = _SECONDS

    def look(self, zone_id: int) -> bool:
        """Ask the servers of one zone unless somebody does or it is not due; whether they were asked."""
        until = self.now() + CLAIM
        if not zones_to_ask().filter(pk=zone_id).update(servers_look_at=until):
            return False
        zone = Zone.objects.select_related(
            "domain__organization", "target__repository__primary", "target__update_server"
        ).get(pk=zone_id)
        replies = self._ask(zone, self._servers(zone))
        now = self.now()
        try:
            with transaction.atomic():
                record_server_answers(
                    actor=Actor.rookery(), zone=zone, replies=replies, at=now, asked_until=until
                )
                state_conditions(zone.target, [servers_statement(zone.target, now)], now)
        except Absent:
            return False
        return True

    def _servers(self, zone: Zone) -> list[Server]:
        """Those that rows know by address, then those whose names lie in other zones."""
        known = name_servers(zone)
        addresses = {each.address for each in known}
        elsewhere = servers_elsewhere(zone)
        with ThreadPoolExecutor(MOST_SERVERS, thread_name_prefix="name-servers") as pool:
            found = zip(elsewhere, pool.map(self.resolve, elsewhere), strict=True)
        others = [Server(host, each) for host, given in found for each in given if each not in addresses]
        return [*known, *dict.fromkeys(others)][:MOST_SERVERS]

    def _ask(self, zone: Zone, servers: Sequence[Server]) -> dict[Server, Reply]:
        """The primary last: what it has then, every server may have fetched; none is taken to be ahead."""
        _, port = primary_place(zone)

        def ask(server: Server) -> Reply:
            return self._ask_one(zone, server, port if server.primary else self.port_of(server.address))

        others = [each for each in servers if not each.primary]
        with ThreadPoolExecutor(MOST_SERVERS, thread_name_prefix="name-servers") as pool:
            found = dict(zip(others, pool.map(ask, others), strict=True))
        return {server: ask(server) for server in servers if server.primary} | found

    def _ask_one(self, zone: Zone, server: Server, port: int) -> Reply:
        try:
            place = Place(server.address, port, self.dial)
            said = served_serial(place, origin_of(zone), timeout=self.seconds)
        except ZoneError as error:
            return Reply(problem=error.sentence or "it answers nonsense")
        except (OSError, ValueError) as error:
            return Reply(problem=str(error) or "it cannot be asked")
        return Reply(said.serial, said.authoritative)


def zones_to_ask() -> QuerySet[Zone]:
    """Zones that are served, and whose servers are due, the longest due first."""
    due = Zone.objects.filter(standing__in=Zone.KEPT, served_serial__isnull=False, servers_look_at__lte=Now())
    return due.order_by("servers_look_at")
