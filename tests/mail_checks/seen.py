"""A small world to be checked: what every name, server and port says, and a domain of which all is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tenants.formats.mail_checks import (
    DkimKey,
    Expected,
    Finding,
    KeptCertificate,
    Level,
    Reading,
    judge,
)
from tenants.formats.mail_checks.reading import (
    Answer,
    Connect,
    Connected,
    Lookup,
    Policy,
    PolicyFile,
    Question,
    Relay,
    Relayed,
    Said,
    Status,
)

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PRIMARY, SECOND, MAIL = "198.41.0.4", "193.0.14.129", "199.9.14.201"
KEY = "TUlJQklqQU5CZ2txaGtpRzl3MEJBUUVGQUFPQ0FR"
REGISTRY = "192.5.5.241"
ROUNDS = 60


def data(*records: str, ttl: int = 3600, authoritative: bool = False, authentic: bool = False) -> Said:
    return Said(Status.DATA, records, ttl, authoritative=authoritative, authentic=authentic)


def soa(serial: int) -> Said:
    return data(
        f"ns1.example.org hostmaster.example.org {serial} 86400 7200 1048576 3600", authoritative=True
    )


GONE = Said(Status.NO_NAME, ttl=3600)
EMPTY = Said(Status.NO_DATA, ttl=3600)
SILENT = Said(Status.FAILED, problem="nobody answered in time")


class Seen:
    """Answers by question; what is not there has no records, refuses relaying, and is not served."""

    def __init__(self) -> None:
        self.answers: dict[Question, Answer] = {}
        self.asked: list[Question] = []

    def dns(self, name: str, kind: str, said: Said, server: str = "") -> Seen:
        self.answers[Lookup(name, kind, server)] = said
        return self

    def text(self, name: str, *texts: str) -> Seen:
        return self.dns(name, "TXT", data(*texts))

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        if question in self.answers:
            return self.answers[question]
        match question:
            case Lookup():
                return EMPTY
            case Connect():
                return Connected("nobody answers")
            case Relay():
                return Relayed(None)
            case PolicyFile():
                return Policy(problem="there is none")

    def find(self, expected: Expected, *only: str) -> list[Finding]:
        """Judge, asking whatever is asked for, as an observer does."""
        known: dict[Question, Answer] = {}
        for _ in range(ROUNDS):
            judged = judge(expected, Reading(AT, known), only)
            if not judged.questions:
                return list(judged.findings)
            assert not set(judged.questions) & set(known)
            known |= {each: self.answer(each) for each in judged.questions}
        raise AssertionError("the checks never had enough")

    def line(self, expected: Expected, line: str) -> Finding:
        """The one finding of a line (check, or check:subject)."""
        found = [each for each in self.find(expected, line.partition(":")[0]) if each.line == line]
        assert len(found) == 1, found
        return found[0]


def good() -> Seen:
    """example.org, of which all is well."""
    seen = Seen()
    servers = ("ns1.example.org", "ns2.example.net")
    seen.dns("org", "NS", data("a0.org.example")).dns("a0.org.example", "A", data(REGISTRY))
    referral = Said(Status.NO_DATA, referred=servers, glue=(("ns1.example.org", PRIMARY),), ttl=86400)
    seen.dns("example.org", "NS", referral, REGISTRY)
    seen.dns("ns2.example.net", "A", data(SECOND))
    for server in (PRIMARY, SECOND):
        seen.dns("example.org", "SOA", soa(7), server)
    seen.dns("example.org", "MX", data("10 mail.example.org"))
    seen.dns("mail.example.org", "A", data(MAIL))
    seen.dns("201.14.9.199.in-addr.arpa", "PTR", data("mail.example.org"))
    seen.text("example.org", f"v=spf1 ip4:{MAIL} -all", "something else")
    seen.text("s1._domainkey.example.org", f"h=sha256; v=DKIM1; p={KEY}; k=rsa;")
    seen.text("_dmarc.example.org", "v=DMARC1; p=quarantine")
    seen.text("_mta-sts.example.org", "v=STSv1; id=1")
    policy = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 604800\r\n"
    seen.answers[PolicyFile("example.org")] = Policy(policy)
    seen.text("_smtp._tls.example.org", "v=TLSRPTv1; rua=mailto:tls@example.org")
    seen.dns("example.org", "CAA", data('0 issue "letsencrypt.org"'))
    seen.dns("2.0.0.127.list.example", "A", data("127.0.0.2"))
    until = datetime(2026, 5, 1, tzinfo=UTC)
    seen.answers[Connect(MAIL, 25, "mail.example.org")] = Connected(valid_until=until, certificate=b"c")
    seen.answers[Connect(MAIL, 465, "mail.example.org")] = Connected(valid_until=until, certificate=b"c")
    seen.answers[Relay(MAIL)] = Relayed(False, "550 no")
    return seen


EXPECTED = Expected(
    domain="example.org",
    servers={"ns1.example.org": (PRIMARY,), "ns2.example.net": ()},
    primaries=(PRIMARY,),
    serial=7,
    records={
        ("example.org", "MX"): frozenset({"10 mail.example.org"}),
        ("_dmarc.example.org", "TXT"): frozenset({"v=DMARC1; p=quarantine"}),
    },
    receivers=frozenset({MAIL}),
    senders=frozenset({MAIL}),
    ours=frozenset({MAIL}),
    submission=("mail.example.org",),
    dkim=(DkimKey("s1", KEY),),
    block_lists=("list.example",),
    certificates=(KeptCertificate("mail.example.org", "It is valid.", "", serves=True, worries=False),),
)
ELSEWHERE = replace(EXPECTED, servers={}, primaries=(), records={}, serial=None)

__all__ = ["AT", "ELSEWHERE", "EMPTY", "EXPECTED", "GONE", "KEY", "MAIL", "PRIMARY", "REGISTRY", "SECOND"]
__all__ += ["SILENT", "Level", "Seen", "data", "good", "soa"]
