"""Puts the observer of domains together for this process: a sandbox's stays on the machine."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tenants.formats.mail_checks import Expected
from tenants.formats.mail_checks.reading import Lookup, Said, Status
from tenants.models import Domain
from tenants.sandbox_note import sandbox_note
from workers.assembly import dialers
from workers.errands.checker import Checker
from workers.errands.server_asker import ServerAsker
from workers.mail_checks import Asker, AskNames, Mail, Observer, Way, inside_sandbox, outward
from workers.outward import Fetcher

__all__ = ["the_checker", "the_server_asker"]

_MOST_TOLD = 400


@lru_cache(maxsize=1)
def the_checker() -> Checker:
    return Checker(_inside, expect=_expect_inside) if settings.SANDBOX else Checker(_outside)


@lru_cache(maxsize=1)
def the_server_asker() -> ServerAsker:
    def port_of(address: str) -> int:
        return sandbox_ports(_told()).get((address, 53), 53) if settings.SANDBOX else 53

    def resolve(name: str) -> list[str]:
        ask = _nobody if settings.SANDBOX and not settings.RESOLVERS else _resolver()
        return [each for kind in ("A", "AAAA") for each in ask(Lookup(name, kind)).records]

    return ServerAsker(dialers().name_server, port_of, resolve)


def _resolver() -> AskNames:
    """Asks the resolvers alone, no other server."""
    return AskNames(inside_sandbox({}), settings.RESOLVERS)


def _outside(servers: Mapping[str, int]) -> Observer:
    way = outward(servers)
    mail = Mail(way, helo=urlsplit(settings.BASE_URL).hostname or "localhost")
    return Observer(Asker.of(AskNames(way, settings.RESOLVERS), mail, Fetcher()))


def _inside(servers: Mapping[str, int]) -> Observer:
    del servers  # the sandbox tells of its own
    told = _told()
    way = inside_sandbox(sandbox_ports(told))
    asker = Asker.of(AskNames(way, settings.RESOLVERS), _sandbox_mail(told, way), None)
    if not settings.RESOLVERS:  # this machine's own resolver would ask the world
        asker = Asker(_nobody, asker.connect, asker.relay, asker.policy)
    return Observer(asker)


def _expect_inside(domain: Domain, expected: Expected) -> Expected:
    """The sandbox tells which mail servers it runs, for which domains, and which stands in front of all."""
    note = _told()
    told = note.get("domains", {})
    theirs = Domain.objects.filter(organization=domain.organization_id, name__in=list(told)[:_MOST_TOLD])
    servers = [told[name].get("incoming") for name in theirs.values_list("name", flat=True)]
    servers.append(note.get("door"))
    found = frozenset(str(each[0]) for each in servers if each)
    return replace(expected, ours=found, sandboxed=True)


def _nobody(question: Lookup) -> Said:
    del question
    return Said(Status.FAILED, problem="no resolver is set (ROOKERY_RESOLVER)")


def _told() -> dict[str, Any]:
    try:
        return sandbox_note()
    except (OSError, ValueError):
        return {}


def sandbox_ports(told: Mapping[str, Any]) -> dict[tuple[str, int], int]:
    """Where a sandbox's servers really listen, by what it tells of itself: they may not have low ports."""
    found: dict[tuple[str, int], int] = {}
    primary = told.get("primary", {})
    places = [(53, primary.get("address")), (53, primary.get("above")), (25, told.get("door"))]
    for each in told.get("domains", {}).values():
        places += [(25, each.get("incoming")), (465, each.get("submission"))]
    for port, place in places:
        if place:
            found[str(place[0]), port] = int(place[1])
    return found


def _sandbox_mail(told: Mapping[str, Any], way: Way) -> Mail:
    """Believes what the sandbox's own authority signed."""
    try:
        return Mail(way, trust=ssl.create_default_context(cafile=told.get("ca_file")))
    except OSError:
        return Mail(way)
