"""Each thing that takes a zone off the air or spoils it: which record set, what is wrong, what to do."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from tenants.formats.zones.data.digests import DNSKEY, DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.location import LOC, MIDDLE, SEA_LEVEL
from tenants.formats.zones.data.services import (
    HTTPS,
    SVCB,
    Alpn,
    Ipv4Hint,
    KeyValue,
    Mandatory,
    NoDefaultAlpn,
    Port,
)
from tenants.formats.zones.data.simple import AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT, A, Data
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.primary.dialect import DIALECTS, NEW, OLD, Dialect
from tenants.formats.zones.primary.verdict import judge
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.rules.check import FAULT, check_zone
from tenants.formats.zones.rules.problem import Problem, blocking
from tenants.formats.zones.zone import Soa, Zone
from tenants.formats.zones.zone_file import emit
from tests.zones.examples import NS1, ORIGIN, SOA, a, name, records, zone

FAR = Name.of("mail.example.net")
HERE = LOC(MIDDLE + 3_600_000, MIDDLE + 3_600_000, SEA_LEVEL)


def problems_of(
    *sets: RecordSet, soa: Soa = SOA, dialects: tuple[Dialect, ...] = (NEW,)
) -> tuple[Problem, ...]:
    return check_zone(zone(*sets, soa=soa), dialects)


def test_a_usual_zone_has_no_problem() -> None:
    usual = (
        records("@", MX(10, name("mail"))),
        records("@", TXT(b"v=spf1 mx -all")),
        records("@", CAA(False, b"issue", (b"letsencrypt.org; validationmethods=dns-01",))),
        a("mail", "192.0.2.25"),
        records("mail", AAAA(IPv6Address("2001:db8::25"))),
        records("www", CNAME(name("@"))),
        records("_submissions._tcp", SRV(0, 1, 465, name("mail"))),
        records("_dmarc", TXT(b"v=DMARC1; p=reject; rua=mailto:post@example.org")),
        records("_letsencrypt._tcp.mail", TLSA(3, 0, 0, b"\x30" * 900), TLSA(0, 0, 0, b"\x31" * 1200)),
        records("*.home", A(IPv4Address("192.0.2.80"))),
        a("@", "192.0.2.80"),
    )
    assert problems_of(*usual, dialects=DIALECTS) == ()


def big(data: Data, owner: str = "x") -> RecordSet:
    return records(owner, data)


REFUSED: list[tuple[str, RecordSet, str, str]] = [
    (
        "MX without address",
        big(MX(1, name("mail"))),
        "mail.example.org has none in this zone",
        "Add an A or AAAA",
    ),
    ("MX lacks its dot", big(MX(1, Name.of("example.net.example.org"))), "has none", "lacks its last dot"),
    ("null MX", big(MX(0, ROOT)), "null MX", "Remove the MX"),
    ("SRV to the root", big(SRV(0, 0, 0, ROOT)), "points to the root", "Remove the record"),
    ("CNAME to the root", big(CNAME(ROOT)), "only a dot", "full name"),
    ("PTR to the root", big(PTR(ROOT)), "only a dot", "full name"),
    (
        "HTTPS of itself by a dot",
        big(HTTPS(1, ROOT, (Alpn((b"h2",)),))),
        "only a dot",
        "Name the host itself",
    ),
    ("quotation mark", big(TXT(b'say "hi"')), "a quotation mark", "Leave it out"),
    ("backslash", big(TXT(b"a\\b")), "a backslash", "Leave it out"),
    ("line break in text", big(TXT(b"a\nb")), "a line break", "on one line"),
    ("carriage return in text", big(TXT(b"a\rb")), "a line break", "on one line"),
    ("broken UTF-8", big(TXT(b"\xff")), "not valid UTF-8", "UTF-8"),
    ("no text", big(TXT(b"")), "empty", "remove the record"),
    ("too much text", big(TXT(b"a" * 64001)), "64001 bytes", "several records"),
    ("line break in a name", big(TXT(b"a"), "a\nb"), "characters that names do not have", "Use letters"),
    ("blank in a name", big(TXT(b"a"), "a b"), "characters that names do not have", "Use letters"),
    ("letters beyond ASCII", big(TXT(b"a"), "bücher"), "beyond ASCII", "punycode"),
    ("backslash in a name", big(TXT(b"a"), "a\\b"), "backslash", "Leave the backslash out"),
    ("an @ in a name", big(TXT(b"a"), "post@x"), "has an @", "a dot in place of the @"),
    ("asterisk inside a name", big(TXT(b"a"), "x.*"), "asterisk must stand alone", "Write *.example.org"),
    ("number before m", a("10.mail", "192.0.2.9"), "cannot be written", "Choose another name"),
    ("parameter of HTTPS", a("no-default-alpn", "192.0.2.9"), "cannot be written", "Choose another name"),
    ("underscore in MX", big(MX(1, Name.of("a_b.net"))), "is not a host name", "letters, digits and hyphens"),
    ("underscore in NS", big(NS(Name.of("a_b.net"))), "is not a host name", "letters, digits and hyphens"),
    ("number as top level", big(MX(1, Name.of("a.12"))), "its last label needs a letter", "Point to a name"),
    ("wildcard as target", big(CNAME(Name.of("*.example.net"))), "is a wildcard", "Point to one name"),
    (
        "IPv4 in IPv6",
        big(AAAA(IPv6Address("::ffff:192.0.2.1"))),
        "written as IPv6",
        "A record with 192.0.2.1",
    ),
    ("scoped address", big(AAAA(IPv6Address("fe80::1%eth0"))), "interface", "public address"),
    ("preference", big(MX(65536, FAR)), "preference must be from 0 to 65535", "Correct"),
    ("TTL", records("x", TXT(b"a"), ttl=2**31), "TTL must be from 0 to 2147483647", "an hour is 3600"),
    ("negative TTL", records("x", TXT(b"a"), ttl=-1), "TTL must be", "Give seconds"),
    ("two aliases", records("x", CNAME(FAR), CNAME(NS1)), "alias of one other name", "Keep one"),
    ("two pointers", records("x", PTR(FAR), PTR(NS1)), "keeps one PTR", "Keep one"),
    ("two places", records("x", HERE, replace(HERE, size=0x11)), "keeps one LOC", "Keep one"),
    ("alias of the apex", records("@", CNAME(FAR)), "cannot be an alias", "make www the alias"),
    ("MX to an alias", big(MX(1, name("alias"))), "must not be an alias", "name that has the addresses"),
    (
        "outside the zone",
        a("www.example.net.", "192.0.2.1"),
        "lies outside example.org",
        "zone of its own domain",
    ),
    ("text outside", records("ns1.example.net.", TXT(b"a")), "lies outside", "zone of its own domain"),
    (
        "apex NS without address",
        records("@", NS(NS1), NS(name("ns2"))),
        "ns2.example.org has none",
        "Add an A",
    ),
    (
        "below a delegation",
        records("w.cut", TXT(b"a")),
        "cut.example.org is delegated",
        "into the delegated zone",
    ),
    ("beside a delegation", records("cut", TXT(b"a")), "nobody is ever told", "remove the delegation"),
    ("DS without delegation", big(DS(1, 13, 2, b"\1" * 32)), "not delegated", "Add the NS"),
    ("delegated wildcard", big(NS(FAR), "*"), "cannot be delegated", "each name by itself"),
    ("DNSKEY", big(DNSKEY(256, 13, b"AAAA")), "cannot publish keys", "another primary"),
    ("TLSA digest", big(TLSA(3, 1, 1, b"\1" * 31)), "needs 32 bytes, and these are 31", "whole digest"),
    ("TLSA of nothing", big(TLSA(3, 1, 0, b"")), "empty", "at least one byte"),
    ("SSHFP", big(SSHFP(4, 2, b"\1" * 20)), "has 32 bytes, and this has 20", "ssh-keygen -r"),
    ("DS", records("cut", DS(1, 13, 4, b"\1" * 32)), "has 48 bytes, and this has 32", "whoever signs"),
    ("CAA tag", big(CAA(False, b"is sue", (b"a",))), "letters and digits", "issuewild"),
    ("CAA in parts", big(CAA(False, b"issue", (b"a", b"b"))), "one piece of text", "one pair of quotes"),
    ("CAA value", big(CAA(False, b"issue", (b'"',))), "quotation mark", "Leave it out"),
    (
        "latitude",
        big(replace(HERE, latitude=MIDDLE + 91 * 3_600_000)),
        "beyond 90 degrees",
        "Correct degrees",
    ),
    ("altitude", big(replace(HERE, altitude=SEA_LEVEL - 150)), "below sea level", "whole metres"),
    ("precision", big(replace(HERE, size=0xA0)), "not a digit followed by zeros", "Round it"),
    ("port", big(HTTPS(1, FAR, (Port(8443),))), "writes “port” back", "Leave the port out"),
    ("alias with parameters", big(SVCB(0, FAR, (Alpn((b"h2",)),))), "has no parameters", "priority 1"),
    (
        "order of parameters",
        big(SVCB(1, FAR, (Ipv4Hint((IPv4Address(1),)), Alpn((b"h2",))))),
        "order",
        "Sort",
    ),
    ("no alpn", big(SVCB(1, FAR, (NoDefaultAlpn(),))), "needs “alpn”", "Add alpn"),
    ("no hint", big(SVCB(1, FAR, (Ipv4Hint(()),))), "needs an address", "remove the hint"),
    ("protocol", big(SVCB(1, FAR, (Alpn((b"a,b",)),))), "names such as h2", "alpn=h2,h3"),
    ("mandatory", big(SVCB(1, FAR, (Mandatory((1,)),))), "keys that the record has", "given here"),
    ("ech", big(SVCB(1, FAR, (KeyValue(5, b"a"),))), "key5", "Remove it"),
    (
        "value",
        big(SVCB(1, FAR, (KeyValue(7, b"a b"),))),
        "characters that the primary does not keep",
        "plain signs",
    ),
    (
        "unequal services",
        records("x", SVCB(1, FAR), SVCB(2, FAR, (Alpn((b"h2",)),))),
        "different numbers",
        "same number",
    ),
    ("type with a name", big(Generic(1, b"\1")), "has a name of its own", "by its name"),
    ("type of no zone", big(Generic(255, b"\1")), "not a type of records in zones", "Remove"),
    ("generic without data", big(Generic(65280, b"")), "empty", "at least one byte"),
]
COMPANY = (records("alias", CNAME(FAR)), records("cut", NS(Name.of("ns.example.net"))))


@pytest.mark.parametrize(
    ("item", "problem", "fix"), [pytest.param(*case, id=label) for label, *case in REFUSED]
)
def test_a_refusal_names_the_set_the_problem_and_the_fix(item: RecordSet, problem: str, fix: str) -> None:
    found = blocking(problems_of(*COMPANY, item))
    said = [one for one in found if problem in one.problem and fix in one.fix]
    assert len(said) == 1, found
    assert (said[0].owner, said[0].type) == item.key
    assert said[0].fix != FAULT


def test_every_refusal_keeps_the_zone_off_or_changes_it_for_a_reader() -> None:
    """Refused is what the primary would drop, change or lose; some is refused for the sake of its readers."""
    for_readers = {"TLSA digest", "SSHFP", "DS", "scoped address", "MX to an alias", "DS without delegation"}
    harmless = set()
    for label, item, _, _ in REFUSED:
        if item.type in {"MX", "SRV", "CNAME", "TXT", "A"} and label not in for_readers:
            verdict = judge(emit(zone(*COMPANY, item)), ORIGIN)
            if (
                verdict.survives
                and verdict.written_back == emit(zone(*COMPANY, item))
                and not verdict.dropped
            ):
                harmless.add(label)
    # Bytes that the primary keeps, and that no reader of mail policies or names takes as they were meant.
    assert harmless <= {
        *("backslash", "line break in text", "carriage return in text", "broken UTF-8", "too much text"),
        *("letters beyond ASCII", "backslash in a name", "asterisk inside a name", "wildcard as target"),
        *("alias of the apex", "quotation mark", "an @ in a name"),
    }


@pytest.mark.parametrize(
    "byte", sorted({*range(256)} - {*b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/"})
)
def test_bytes_that_names_do_not_have(byte: int) -> None:
    item = RecordSet(Name((b"a" + bytes([byte]), *ORIGIN.labels)), 3600, [TXT(b"a")])
    assert blocking(problems_of(item))


def test_an_alias_beside_other_data_is_named_once() -> None:
    found = blocking(problems_of(a("x", "192.0.2.1"), records("x", CNAME(FAR)), records("x", TXT(b"a"))))
    assert [(one.owner, one.type) for one in found] == [(name("x"), "CNAME")]
    assert "(A, TXT)" in found[0].problem


def test_a_zone_needs_a_name_server() -> None:
    bare = Zone(ORIGIN, SOA, [a("ns1", "192.0.2.1")])
    assert [(one.type, one.fix) for one in blocking(check_zone(bare))] == [
        ("NS", "Add an NS record for each of its name servers.")
    ]


@pytest.mark.parametrize(
    ("soa", "problem"),
    [
        (replace(SOA, serial=20261121120000), "A date with hours and minutes is too long."),
        (replace(SOA, serial=2**32), "larger than 4294967295"),
        (replace(SOA, serial=-1), "never negative"),
        (replace(SOA, refresh=2**31), "refresh must be from 0"),
        (replace(SOA, minimum=-1), "minimum must be from 0"),
        (replace(SOA, primary=Name.of("a_b.example.org")), "is not a host name"),
        (replace(SOA, primary=ROOT), "must be a name"),
        (replace(SOA, mailbox=Name.of("post@example.org")), "has an @"),
    ],
)
def test_an_soa_that_cannot_be(soa: Soa, problem: str) -> None:
    found = blocking(problems_of(soa=soa))
    assert problem in " ".join(one.problem for one in found)
    assert {(one.owner, one.type) for one in found} == {(ORIGIN, "SOA")}


@pytest.mark.parametrize("origin", ["", "_tcp.example.org", "0/25.2.0.192.in-addr.arpa", "10.20"])
def test_zones_that_the_primary_cannot_name(origin: str) -> None:
    top = Name.of(origin)
    named = Zone(top, SOA, [RecordSet(top, 3600, [NS(FAR)])])
    assert any(one.owner is None for one in blocking(check_zone(named)))


def test_a_reverse_zone_is_a_zone() -> None:
    top = Name.of("2.0.192.in-addr.arpa")
    reverse = Zone(
        top, SOA, [RecordSet(top, 3600, [NS(FAR)]), RecordSet(Name.of(f"25.{top.short}"), 3600, [PTR(FAR)])]
    )
    assert check_zone(reverse, DIALECTS) == ()


ADVICE: list[tuple[RecordSet, str]] = [
    (records("x", CNAME(name("nowhere"))), "which does not exist"),
    (records("@", TXT(b"v=spf1 -all"), TXT(b"V=SPF1 mx -all")), "two SPF policies"),
    (records("x", SRV(0, 0, 1, name("nowhere"))), "has none in this zone"),
    (records("cut", NS(name("ns.cut"))), "has none in this zone"),
]


@pytest.mark.parametrize(("item", "problem"), ADVICE)
def test_advice_does_not_block(item: RecordSet, problem: str) -> None:
    found = problems_of(item)
    assert blocking(found) == ()
    assert [problem in one.problem for one in found] == [True]


def test_secondaries_should_not_forget_the_zone_too_soon() -> None:
    found = problems_of(soa=replace(SOA, expire=100))
    assert ["forget the zone" in one.problem for one in found] == [True]
    assert blocking(found) == ()


GLUE = (records("@", NS(NS1), NS(Name.of("ns6.gandi.net"))), a("ns6.gandi.net.", "192.0.2.6"))


def test_addresses_of_name_servers_may_stand_outside_the_zone() -> None:
    assert problems_of(*GLUE, dialects=DIALECTS) == ()


def test_glue_below_a_delegation_is_allowed_and_needed() -> None:
    cut = records("cut", NS(name("ns.cut")))
    assert problems_of(cut, a("ns.cut", "192.0.2.7")) == ()


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (records("x", HTTPS(1, FAR, ())), "do not know HTTPS"),
        (a("e.ns", "192.0.2.1"), "cannot be written"),
        (a("caa", "192.0.2.1"), "cannot be written"),
        (records("x", PTR(Name.of("_a.example.net"))), "is not a host name"),
    ],
)
def test_what_only_the_new_primary_reads_is_refused_for_the_old(item: RecordSet, problem: str) -> None:
    assert problems_of(item) == ()
    found = blocking(problems_of(item, dialects=(OLD,)))
    assert [problem in one.problem for one in found] == [True]
    assert blocking(problems_of(item, dialects=DIALECTS)) == found


def test_services_of_one_priority_and_target_are_told_apart_by_nobody() -> None:
    twice = records("x", HTTPS(1, FAR, (Alpn((b"h2",)),)), HTTPS(1, FAR, (Alpn((b"h3",)),)))
    assert ["same priority and target" in one.problem for one in blocking(problems_of(twice))] == [True]


def test_a_service_that_does_not_exist_is_not_the_host_itself() -> None:
    (found,) = blocking(problems_of(records("x", HTTPS(0, ROOT))))
    assert found.fix == "Remove the record: then there is no such service."


def test_one_bad_record_among_many_is_found() -> None:
    many = [records(f"h{number}", TXT(b"a")) for number in range(2000)]
    assert problems_of(*many) == ()
    assert len(blocking(problems_of(*many, records("x", TXT(b'"'))))) == 1
