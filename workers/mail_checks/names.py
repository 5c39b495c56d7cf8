"""Questions to the DNS, of the resolver or of one name server: bounded, never raising."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset

from tenants.formats.mail_checks.reading import Lookup, Said, Status
from tenants.formats.text import printable
from workers.mail_checks.way import Way

__all__ = ["AskNames"]

_SECONDS = 3.0
_MOST_RECORDS, _MOST_TEXT, _MOST_SERVERS = 50, 5_000, 3
_PAYLOAD = 1232
_RCODES = {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
_BROKEN = (dns.exception.DNSException, OSError, ValueError, EOFError, IndexError)


@dataclass(frozen=True)
class AskNames:
    """Asks `resolvers` (address, port), or without any those of /etc/resolv.conf; other servers by `way`."""

    way: Way
    resolvers: Sequence[tuple[str, int]] = ()
    seconds: float = _SECONDS

    def __call__(self, question: Lookup) -> Said:
        try:
            name = dns.name.from_text(f"{question.name}.")
            kind = dns.rdatatype.from_text(question.kind)
        except _BROKEN:
            return Said(Status.FAILED, problem="that is no name")
        if question.server:
            return self._ask_server(question, name, kind)
        said = Said(Status.FAILED, problem="no resolver is known")
        for address, port in self._resolvers()[:_MOST_SERVERS]:
            said = self._ask(name, kind, address, port, recursive=True)
            if not said.failed:
                break
        return said

    def _resolvers(self) -> Sequence[tuple[str, int]]:
        if self.resolvers:
            return self.resolvers
        try:
            return [(str(each), 53) for each in dns.resolver.Resolver().nameservers]
        except _BROKEN:
            return ()

    def _ask_server(self, question: Lookup, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Said:
        try:
            port = self.way(question.server, 53)
        except (OSError, ValueError) as problem:
            return Said(Status.FAILED, problem=str(problem))
        return self._ask(name, kind, question.server, port, recursive=False)

    def _ask(
        self,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        address: str,
        port: int,
        *,
        recursive: bool,
    ) -> Said:
        query = dns.message.make_query(name, kind, use_edns=0, payload=_PAYLOAD)
        query.flags = dns.flags.RD | dns.flags.AD if recursive else dns.flags.Flag(0)
        try:
            answer, _ = dns.query.udp_with_fallback(
                query, address, timeout=self.seconds, port=port, ignore_unexpected=True
            )
            return _read(answer, name, kind, recursive=recursive)
        except dns.exception.Timeout:
            return Said(Status.FAILED, problem="nobody answered in time")
        except _BROKEN as error:
            reason = error.strerror if isinstance(error, OSError) else ""
            return Said(Status.FAILED, problem=reason or type(error).__name__)


def _read(
    answer: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType, *, recursive: bool
) -> Said:
    if answer.rcode() not in _RCODES:
        return Said(Status.FAILED, problem=f"it answers {dns.rcode.to_text(answer.rcode())}")
    if not isinstance(answer, dns.message.QueryMessage):
        return Said(Status.FAILED, problem="it answers nonsense")
    chain = answer.resolve_chaining()
    found = chain.answer
    records = tuple(_text(each) for each in list(found)[:_MOST_RECORDS]) if found is not None else ()
    missing = Status.NO_NAME if answer.rcode() == dns.rcode.NXDOMAIN else Status.NO_DATA
    servers = (
        [each for each in (*answer.answer, *answer.authority) if each.name == name and _is(each, "NS")]
        if kind == dns.rdatatype.NS and not recursive
        else []
    )
    return Said(
        Status.DATA if records else missing,
        records,
        min(int(chain.minimum_ttl), 2**31 - 1),
        authoritative=bool(answer.flags & dns.flags.AA),
        authentic=recursive and bool(answer.flags & dns.flags.AD),
        referred=tuple(dict.fromkeys(_text(data) for each in servers for data in list(each)[:_MOST_RECORDS])),
        glue=tuple(_glue(answer)) if servers else (),
    )


def _glue(answer: dns.message.Message) -> list[tuple[str, str]]:
    return [
        (_name(each.name), _text(data))
        for each in answer.additional[: 2 * _MOST_RECORDS]
        if _is(each, "A") or _is(each, "AAAA")
        for data in list(each)[:_MOST_RECORDS]
    ]


def _is(found: dns.rrset.RRset, kind: str) -> bool:
    return found.rdclass == dns.rdataclass.IN and found.rdtype == dns.rdatatype.from_text(kind)


def _text(data: Any) -> str:
    """A record as the checks compare it, see reading.Said."""
    kind = dns.rdatatype.to_text(data.rdtype)
    if kind == "MX":
        return f"{int(data.preference)} {_name(data.exchange)}"
    if kind in {"NS", "CNAME", "PTR"}:
        return _name(data.target)
    if kind == "TXT":
        return printable(b"".join(data.strings), _MOST_TEXT)
    if kind == "TLSA":
        return f"{data.usage} {data.selector} {data.mtype} {data.cert[: _MOST_TEXT // 2].hex()}"
    return printable(data.to_text(), _MOST_TEXT)


def _name(name: dns.name.Name) -> str:
    text = name.to_text(omit_final_dot=True) if name != dns.name.root else ""
    return printable(text.lower(), 260)
