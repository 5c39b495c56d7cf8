"""The DNS behind the interface of `rules`, by dnspython: one question at a time, bounded, never raising."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from workers.lookups.rules import Record, Reply, Status

# One server that is silent must not use up all the time of the next.
_TRY_SECONDS = 3.0
_QUESTION_SECONDS = 8.0
_MOST_TEXT = 10_000


class NoResolver:
    """For a panel that must not ask anybody: nothing is known."""

    def ask(self, name: str, kind: str, seconds: float) -> Reply:
        del name, kind, seconds
        return Reply(Status.FAILED, problem="no resolver is set (ROOKERY_RESOLVER)")


class DnsResolver:
    """Asks these servers (address, port), or without any those of /etc/resolv.conf."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        self._servers = tuple(servers)

    def ask(self, name: str, kind: str, seconds: float) -> Reply:
        """See rules.Dns."""
        try:
            resolver = self._resolver()
            answer = resolver.resolve(
                dns.name.from_text(f"{name}."),
                kind,
                lifetime=min(seconds, _QUESTION_SECONDS),
                search=False,
                raise_on_no_answer=False,
            )
            records = tuple(_record(each) for each in answer.rrset or ())
        except dns.resolver.NXDOMAIN:
            return Reply(Status.NO_NAME)
        except dns.exception.Timeout:
            return Reply(Status.FAILED, problem="nobody answered in time")
        except dns.resolver.NoNameservers:
            return Reply(Status.FAILED, problem="the name servers answer with an error")
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return Reply(Status.FAILED, problem=type(error).__name__)
        return Reply(Status.DATA if records else Status.NO_DATA, records)

    def _resolver(self) -> dns.resolver.Resolver:
        """A new one for each question: it remembers nothing, so no answer outlives its time."""
        resolver = dns.resolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = [address for address, _ in self._servers]
            resolver.nameserver_ports = dict(self._servers)
        resolver.timeout = _TRY_SECONDS
        return resolver


def _record(data: Any) -> Record:
    kind = dns.rdatatype.to_text(data.rdtype)
    if kind == "MX":
        return Record(_name(data.exchange), preference=int(data.preference))
    if kind == "NS":
        return Record(_name(data.target))
    if kind == "TXT":
        return Record(data=b"".join(data.strings)[:_MOST_TEXT])
    return Record(str(data.address))


def _name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""
