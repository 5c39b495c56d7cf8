"""All checks in the order in which people read them, and judging what is known by them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from tenants.formats.mail_checks import block_lists, doors, kept, names, sending, servers, transport
from tenants.formats.mail_checks.expected import Expected
from tenants.formats.mail_checks.finding import Finding, Level
from tenants.formats.mail_checks.reading import NotAsked, Question, Reading

__all__ = ["CHECKS", "TOPICS", "Check", "Judged", "judge"]

MOST_FINDINGS = 30  # of one check


@dataclass(frozen=True)
class Check:
    """`title` names it to people; `topic` is the heading that it stands under."""

    id: str
    title: str
    topic: str
    find: Callable[[Expected, Reading], Iterator[Finding]]


_WAY, _ARRIVING, _BELIEVED, _PROTECTED = (
    "Finding the domain",
    "Mail arrives",
    "Mail is believed",
    "Mail is safe",
)
TOPICS = (_WAY, _ARRIVING, _BELIEVED, _PROTECTED)
CHECKS = (
    Check("delegation", "Delegation", _WAY, names.delegation),
    Check("glue", "Glue", _WAY, names.glue),
    Check("agreement", "Name servers", _WAY, names.agreement),
    Check("dnssec", "DNSSEC", _WAY, names.dnssec),
    Check("mx", "MX", _ARRIVING, servers.exchangers),
    Check("address", "Addresses", _ARRIVING, servers.addresses),
    Check("port-25", "Port 25", _ARRIVING, doors.arrival),
    Check("port-465", "Port 465", _ARRIVING, doors.submission),
    Check("open-relay", "Open relay", _ARRIVING, doors.relaying),
    Check("ptr", "Reverse names", _BELIEVED, servers.reverse),
    Check("spf", "SPF", _BELIEVED, sending.spf),
    Check("dkim", "DKIM", _BELIEVED, sending.dkim),
    Check("dmarc", "DMARC", _BELIEVED, sending.dmarc),
    Check("block-lists", "Block lists", _BELIEVED, block_lists.block_lists),
    Check("mta-sts", "MTA-STS", _PROTECTED, transport.mta_sts),
    Check("tls-rpt", "TLS reports", _PROTECTED, transport.tls_rpt),
    Check("certificate", "Certificates", _PROTECTED, kept.certificates),
    Check("tlsa", "TLSA", _PROTECTED, transport.tlsa),
    Check("caa", "CAA", _PROTECTED, transport.caa),
)


@dataclass(frozen=True)
class Judged:
    """What is known, and what has to be asked before all is: then the findings are not complete."""

    findings: tuple[Finding, ...]
    questions: tuple[Question, ...] = ()


def judge(expected: Expected, reading: Reading, only: Collection[str] = (), *, final: bool = False) -> Judged:
    """Judge by all checks, or by those of `only` (their ids).

    `final`: nothing more will be asked. A check that lacks answers then says that it could not be done.
    """
    findings: list[Finding] = []
    questions: dict[Question, None] = {}
    for check in CHECKS:
        if only and check.id not in only:
            continue
        try:
            findings += list(check.find(expected, reading))[:MOST_FINDINGS]
        except NotAsked as missing:
            questions |= dict.fromkeys(missing.questions)
            if final:
                text = f"The check “{check.title}” was not finished in time."
                findings.append(Finding(check.id, Level.UNKNOWN, text, fix="Check again in some minutes."))
    return Judged(tuple(findings), tuple(questions))
