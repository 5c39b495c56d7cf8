"""Asking the name server above a domain to whom it is delegated: one question, bounded, never raising."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype

_SECONDS = 3.0
_MOST_NAMES = 30


class AskAbove:
    """`port` is another one than 53 in a sandbox only."""

    def __init__(self, port: int = 53) -> None:
        self._port = port

    def __call__(self, address: str, domain: str, seconds: float) -> frozenset[str]:
        """See ownership.Referral."""
        try:
            name = dns.name.from_text(f"{domain}.")
            query = dns.message.make_query(name, dns.rdatatype.NS)
            query.flags &= ~dns.flags.RD
            answer, _ = dns.query.udp_with_fallback(
                query, address, timeout=min(seconds, _SECONDS), port=self._port
            )
            return frozenset(
                data.target.to_text(omit_final_dot=True).lower()
                for found in (*answer.answer, *answer.authority)
                if found.name == name and found.rdtype == dns.rdatatype.NS
                for data in list(found)[:_MOST_NAMES]
            )
        except (dns.exception.DNSException, OSError, ValueError, EOFError):
            return frozenset()
