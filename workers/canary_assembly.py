"""Puts the keeper of canaries together for this process: a sandbox's stays on the machine."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

from tenants.formats.canary import Way
from tenants.formats.mail_checks.reading import Lookup, Said
from tenants.models import Stack
from tenants.sandbox_note import sandbox_note
from workers.assembly import opener
from workers.canary import dial_directly
from workers.errands.canary_keeper import CanaryKeeper, Places, UnknownPlaceError
from workers.mail_checks import AskNames, outward
from workers.mail_checks import Way as Dialled
from workers.plug import Plug
from workers.probes.talk import believing
from workers.sandbox.stack.realm import Realm, real_port

__all__ = ["by_the_dns", "inside_realm", "the_keeper"]

PORTS = {Way.IN: 25, Way.OUT: 465}
_MOST = 3


@lru_cache(maxsize=1)
def the_keeper() -> CanaryKeeper:
    helo = urlsplit(settings.BASE_URL).hostname or "localhost"
    if settings.SANDBOX:
        return CanaryKeeper(opener(), inside_realm(_realm), settings.CANARY_MAILDIR, helo=helo)
    way = outward()
    places = by_the_dns(AskNames(way, settings.RESOLVERS))
    return CanaryKeeper(
        opener(), places, settings.CANARY_MAILDIR, dial=_through(way), trust=_trust, helo=helo
    )


def by_the_dns(ask: Callable[[Lookup], Said]) -> Places:
    """As any mail server and mail program finds them: by MX records, and by the submission host's address."""

    def places(stack: Stack, way: Way) -> Sequence[tuple[str, int]]:
        hosts = [stack.submission_host] if way is Way.OUT else _exchangers(stack.domain.name)
        found = [address for host in hosts[:_MOST] for address in _asked(Lookup(host, "A"))]
        return [(address, PORTS[way]) for address in found[:_MOST]]

    def _exchangers(domain: str) -> list[str]:
        pairs = [record.split() for record in _asked(Lookup(domain, "MX"))]
        known = [(int(each[0]), each[1]) for each in pairs if len(each) == 2 and each[0].isdigit()]
        return [host for _, host in sorted(known)]

    def _asked(question: Lookup) -> tuple[str, ...]:
        said = ask(question)
        if said.failed:
            raise UnknownPlaceError(f"The {question.kind} record of {question.name}: {said.problem}.")
        return said.records

    return places


def inside_realm(realm: Callable[[], Realm | None]) -> Places:
    """A sandbox's public addresses are on loopback; its own forwarder listens there for what is open."""

    def places(stack: Stack, way: Way) -> Sequence[tuple[str, int]]:
        here = realm()
        if here is None:
            raise UnknownPlaceError("The sandbox does not run.")
        return [(here.here(stack.public.address), real_port(PORTS[way]))]

    return places


def _realm() -> Realm | None:
    try:
        return Realm(int(sandbox_note()["stacks"]["realm"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _through(way: Dialled) -> Callable[[str, int, float], Plug]:
    return lambda address, port, seconds: dial_directly(address, way(address, port), seconds)


def _trust(stack: Stack) -> Callable[[], ssl.SSLContext]:
    """Certificates of the authority for tests are believed by nobody."""
    return ssl.create_default_context if stack.production else believing
