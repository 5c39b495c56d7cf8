"""Zones pasted from elsewhere: every line is reported, what is left is a zone that the primary serves."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.text import FormatError
from tenants.formats.zones.bind.importing import BindImport, ImportedLine, Outcome, import_bind
from tenants.formats.zones.bind.lines import statements
from tenants.formats.zones.bind.rdata import data_from_text
from tenants.formats.zones.bind.records import seconds_of
from tenants.formats.zones.data.digests import Generic
from tenants.formats.zones.data.services import HTTPS, Alpn
from tenants.formats.zones.data.simple import MX, TXT, A
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.verdict import judge
from tenants.formats.zones.rules.problem import blocking
from tenants.formats.zones.zone import Soa
from tenants.formats.zones.zone_file import emit
from tests.zones.examples import NS1, ORIGIN, SOA, name, records

PASTED = """\
$TTL 1h
$ORIGIN example.org.
@       IN SOA ns1 hostmaster ( 2026112101 ; serial
                1d 2h
                1048576 1h )
        IN NS   ns1
        MX      10 Mail.Example.ORG.
        MX      0 .
        TXT     "v=spf1 mx" " -all"
ns1     A       192.0.2.1
mail 1d IN A    192.0.2.25
mail    300 A   192.0.2.26
WWW     CNAME   @
say     TXT     "he said \\"hi\\""
$INCLUDE other.zone
nap     NAPTR   100 10 "u" "sip" "!^.*$!sip:a@example.org!" .
old     SPF     "v=spf1 -all"
www2    300 IN CNAME www
www2    A       192.0.2.80
web     HTTPS   1 . alpn="h2,h3"
foo.example.net. A 192.0.2.9
x       CH TXT  a
host    MX      10 nowhere
"""


def imported(text: str = PASTED, soa: Soa | None = None) -> BindImport:
    return import_bind(text, ORIGIN, soa)


def line(report: BindImport, beginning: str) -> ImportedLine:
    (found,) = [one for one in report.lines if one.text.startswith(beginning)]
    return found


@pytest.mark.parametrize(
    ("beginning", "outcome", "reason"),
    [
        ("$TTL", Outcome.DIRECTIVE, "kept for 3600 seconds"),
        ("$ORIGIN", Outcome.DIRECTIVE, "end in example.org"),
        ("@ IN SOA", Outcome.CHANGED, "times are written in seconds"),
        ("IN NS", Outcome.ACCEPTED, ""),
        ("MX 10", Outcome.ACCEPTED, ""),
        ("MX 0 .", Outcome.REFUSED, "A null MX"),
        ('TXT "v=spf1', Outcome.CHANGED, "joined into one"),
        ("mail 1d", Outcome.CHANGED, "written as 86400 seconds"),
        ("mail 300", Outcome.CHANGED, "share one TTL: 86400 seconds"),
        ("WWW", Outcome.CHANGED, "lower case"),
        ("say", Outcome.REFUSED, "quotation mark"),
        ("$INCLUDE", Outcome.REFUSED, "Paste its lines here"),
        ("nap", Outcome.CHANGED, "by number, as TYPE35"),
        ("old", Outcome.REFUSED, "Publish the same text as TXT"),
        ("www2 300", Outcome.REFUSED, "is an alias and has other records too"),
        ("www2 A", Outcome.ACCEPTED, ""),
        ("web", Outcome.CHANGED, "which means the same"),
        ("foo", Outcome.REFUSED, "lies outside example.org"),
        ("x CH", Outcome.REFUSED, "Only the class IN"),
        ("host", Outcome.REFUSED, "nowhere.example.org has none"),
    ],
)
def test_each_line_is_accepted_changed_or_refused_with_a_reason(
    beginning: str, outcome: Outcome, reason: str
) -> None:
    found = line(imported(), beginning)
    assert found.outcome is outcome
    assert reason in " ".join(found.reasons)
    assert bool(found.reasons) is (outcome is not Outcome.ACCEPTED)


def test_lines_are_numbered_as_in_the_paste() -> None:
    report = imported()
    assert [(one.first, one.last) for one in report.lines[:4]] == [(1, 1), (2, 2), (3, 5), (6, 6)]
    assert line(report, "host").first == PASTED.count("\n")
    assert len(report.lines) == PASTED.count("\n") - 2


def test_what_is_left_is_served() -> None:
    report = imported()
    assert blocking(report.problems) == ()
    assert judge(emit(report.zone), ORIGIN).survives
    assert report.zone.soa == Soa(NS1, name("hostmaster"), 2026112101)
    assert report.zone.get(ORIGIN, "MX") == records("@", MX(10, name("mail")))
    assert report.zone.get(ORIGIN, "TXT") == records("@", TXT(b"v=spf1 mx -all"))
    assert report.zone.get(name("web"), "HTTPS") == records(
        "web", HTTPS(1, name("web"), (Alpn((b"h2", b"h3")),))
    )
    naptr = report.zone.get(name("nap"), "TYPE35")
    assert naptr is not None
    assert isinstance(naptr.data[0], Generic)
    assert report.zone.get(name("www2"), "CNAME") is None
    for one in report.lines:
        if one.key and one.key[1] != "SOA":
            kept = one.outcome in {Outcome.ACCEPTED, Outcome.CHANGED}
            assert (one.key in report.zone.by_key) >= kept


def test_the_zones_own_soa_stays_when_it_has_one() -> None:
    report = imported(soa=SOA)
    assert report.zone.soa == SOA
    assert "Rookery keeps the zone's own SOA." in line(report, "@ IN SOA").reasons


def test_without_an_soa_there_is_no_zone() -> None:
    with pytest.raises(FormatError) as caught:
        imported("a A 192.0.2.1\n")
    assert caught.value.field == "text"
    assert "no SOA record for example.org" in caught.value.problem
    assert caught.value.fix


def test_windows_line_ends_and_a_byte_order_mark_are_no_problem() -> None:
    assert imported("\ufeff" + PASTED.replace("\n", "\r\n")).zone == imported().zone


def test_what_no_leaving_out_can_mend_is_a_problem_of_the_zone() -> None:
    report = imported("a A 192.0.2.1\n", soa=SOA)
    assert [one.type for one in blocking(report.problems)] == ["NS"]


def test_leaving_out_an_address_leaves_out_what_needs_it() -> None:
    """The address of `mail` goes because of the alias, and then the exchanger has none."""
    text = "@ NS ns1\nns1 A 192.0.2.1\n@ MX 1 mail\nmail CNAME ns1\nmail A 192.0.2.2\n"
    report = imported(text, soa=SOA)
    assert blocking(report.problems) == ()
    assert line(report, "mail CNAME").outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('a TXT "b', "never closed on its line"),
        ("a A ( 192.0.2.1", "never closed"),
        ("a A 192.0.2.1 )", "never opened"),
        ("a", "no type and no data"),
        ("a A", "not the data of a A record"),
        ("a A 192.0.2", "not the data of a A record: Text input is malformed. Compare"),
        ("a FOO bar", "not a known type"),
        ("a ANY x", "ANY records do not stand in zones"),
        ("a NONE A 192.0.2.1", "Only the class IN"),
        ("a RRSIG x", "come from signing"),
        ("$GENERATE 1-9 a$ A 192.0.2.$", "Write out each"),
        ("$TTL 99999999999", "more than 2147483647"),
        ("$TTL abc", "not a TTL"),
        ("$FOO", "not understood"),
        ("a..b A 192.0.2.1", "is not a name"),
        ("a" * 64 + " A 192.0.2.1", "is not a name"),
        ("sub SOA ns1 h 1 2 3 4 5", "one SOA, at its own name"),
        ("a SVCB 1 b ech=AASqqqqq", "Leave out “ech”"),
        ("a SVCB 1 b ech=AAAA", "invalid ECHConfigList"),
        ("a TYPE35 \\# 1 00", "not the data of a TYPE35 record"),
        ("@ SOA ns1 h 20260101123000 1 2 3 4", "20260101123000 is not an unsigned 32-bit integer"),
    ],
)
def test_broken_lines_are_refused_alone(text: str, reason: str) -> None:
    report = imported(f"@ NS ns1\nns1 A 192.0.2.1\n{text}\n", soa=SOA)
    refused = [one for one in report.lines if one.outcome is Outcome.REFUSED]
    assert len(refused) == 1
    assert reason in " ".join(refused[0].reasons)
    assert blocking(report.problems) == ()


def test_a_line_without_a_name_belongs_to_the_one_before_if_there_is_one() -> None:
    first, *others = imported(" A 192.0.2.9\n@ NS ns1\nns1 A 192.0.2.1\n A 192.0.2.2\n", soa=SOA).lines
    assert first.outcome is Outcome.REFUSED
    assert "no name, nor has any before" in first.reasons[0]
    assert [one.key for one in others] == [(ORIGIN, "NS"), (NS1, "A"), (NS1, "A")]


def test_a_refused_owner_does_not_lend_its_lines_to_the_one_before() -> None:
    report = imported("@ NS ns1\nns1 A 192.0.2.1\na..b A 192.0.2.2\n  A 192.0.2.3\n", soa=SOA)
    assert [one.outcome for one in report.lines[2:]] == [Outcome.REFUSED, Outcome.REFUSED]
    assert report.zone.get(NS1, "A") == records("ns1", A(IPv4Address("192.0.2.1")))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("3600", 3600), ("1h", 3600), ("1h30m", 5400), ("1W2d", 777600), ("5S", 5)],
)
def test_times_with_units(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1y", "-1", "1 h", "٣", "9" * 41, "2147483648", "99999w"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(FormatError):
        seconds_of(text)


@given(st.text(st.sampled_from(' \t\n;()"\\a1'), max_size=60))
@settings(deadline=None, max_examples=300)
def test_statements_come_in_order_and_lose_no_word(text: str) -> None:
    found = list(statements(text))
    assert all(one.first <= other.first for one, other in pairwise(found))
    assert all(one.words or one.problem for one in found)
    if '"' not in text and ";" not in text and "\\" not in text:
        words = text.replace("(", " ").replace(")", " ").split()
        assert [word for one in found for word in one.words] == words


@pytest.mark.parametrize(
    ("record_type", "text"),
    [("A", "x"), ("MX", "a b"), ("TYPE65280", "\\# 2 aa"), ("LOC", "x"), ("SSHFP", "1 1 zz"), ("HTTPS", "1")],
)
def test_data_that_cannot_be_read_are_refused_by_field(record_type: str, text: str) -> None:
    with pytest.raises(FormatError) as caught:
        data_from_text(record_type, text, Name.of("example.org"))
    assert caught.value.field == "data"
