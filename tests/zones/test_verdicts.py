"""Our copy of the primary gives the verdicts of the real one, and writes what it writes."""

from __future__ import annotations

import re

import pytest

from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import NEW, OLD
from tenants.formats.zones.primary.verdict import judge, judge_all
from tests.zones.recorded import Recorded, all_recorded

BASE = b"""$ORIGIN example.org.
$TTL 3600
@ IN SOA ns1 hostmaster 1 86400 7200 1048576 3600
@ IN NS ns1
ns1 IN A 192.0.2.1
"""
ORIGIN = Name.of("example.org")


def test_every_recorded_file_is_there() -> None:
    assert len(all_recorded()) == 2 * 181
    assert sum(item.accepted for item in all_recorded()) > 150


@pytest.mark.parametrize("recorded", all_recorded(), ids=str)
def test_verdict_and_written_file_are_those_of_the_primary(recorded: Recorded) -> None:
    verdict = judge(recorded.data, recorded.origin, recorded.dialect)
    assert verdict.accepted is recorded.accepted, verdict.reason
    assert verdict.written_back == recorded.written_back
    assert verdict.survives is recorded.survives
    assert bool(verdict.reason) is bool(verdict.fix) is not recorded.accepted


@pytest.mark.parametrize("recorded", [item for item in all_recorded() if not item.accepted], ids=str)
def test_a_reason_is_a_sentence_about_the_line_or_the_rule(recorded: Recorded) -> None:
    verdict = judge(recorded.data, recorded.origin, recorded.dialect)
    assert verdict.reason.endswith(".")
    line = re.search(r"at line (\d+)", recorded.why)
    if line:  # the primary names the line where its lexer stands, at or after the culprit
        assert verdict.line is not None
        assert int(line[1]) - 2 <= verdict.line <= int(line[1])
    if "zone check failed" in recorded.why or "no SOA" in recorded.why:
        assert verdict.line is None
    for word in ("missing address", "cname", "TTL", "TXT"):
        if word in recorded.why:
            assert {"missing address": "no address", "cname": "CNAME"}.get(word, word) in verdict.reason


# Found by running the real code on generated files; each line is appended to BASE.
DETAILS: list[tuple[str, bytes, bool]] = [
    ("a number before a label that begins with m is metres", b"10.mail A 192.0.2.9\n", False),
    ("quotes make it a label again", b'"10".mail A 192.0.2.9\n', True),
    ("metres alone are a label", b"10m A 192.0.2.9\n", True),
    ("metres with decimals are a label with a dot", b"1.2m A 192.0.2.9\n", True),
    ("a parameter of HTTPS is no label", b"no-default-alpn A 192.0.2.9\n", False),
    ("its beginning is", b"no-default A 192.0.2.9\n", True),
    ("IPv4 in IPv6 in quotes", b'w AAAA "::ffff:192.0.2.1"\n', True),
    ("brackets around an address", b'w AAAA "[2001:db8::1]"\n', True),
    ("brackets left open", b'w AAAA "[2001:db8::1"\n', False),
    ("eight groups and ::", b"w AAAA 1:2:3:4:5:6:7::8\n", False),
    ("seven groups and ::", b"w AAAA 1:2:3:4:5:6:7::\n", True),
    ("HTTPS with unequal parameters", b"w HTTPS 1 ns1 alpn=h2\nw HTTPS 2 ns1\n", False),
    ("HTTPS with equal ones", b"w HTTPS 1 ns1 alpn=h2\nw HTTPS 2 ns1 alpn=h3\n", True),
    ("CAA in unequal parts", b'w CAA 0 issue "a"\nw CAA 0 iodef "b" "c"\n', False),
    ("a dot inside a label", b"a\\. A 192.0.2.9\n", False),
    ("an escaped line break goes on with the name", b"a\\\nb A 192.0.2.9\n", True),
    ("a comment that ends in a backslash", b"; a\\\nb A 192.0.2.9\n", True),
    ("a word glued to a string", b'w TXT "a b"c\n', False),
    ("a string as a name", b'"a b" A 192.0.2.9\n', True),
    ("an empty label is no name", b'"" A 192.0.2.9\n', False),
    ("the root inside a file", b". A 192.0.2.9\n", True),
    ("a parenthesis over comments and empty lines", b'w TXT ( ; one\n\n ; two\n "a" ; three\n\n)\n', True),
    ("a parenthesis that closes alone", b"\n)\n\nw A 192.0.2.9\n", True),
    ("a parenthesis that opens alone", b"\n(\n\nw A 192.0.2.9\n", False),
    ("lengths below nothing", b"w LOC 1 N 1 E -2.5m\n", True),
    ("three decimals of a metre", b"w LOC 1 N 1 E 2.555m\n", False),
    ("a second zone in the file", b"sub SOA ns1 h 1 2 3 4 5\n", True),
    ("a port in another base", b"w HTTPS 1 ns1 port=0x1F\n", True),
    ("key 7 in another base", b"w HTTPS 1 ns1 key0x7=a\n", True),
    ("key 6 has a name", b"w HTTPS 1 ns1 key6=a\n", False),
    ("mandatory names what is missing", b"w HTTPS 1 ns1 mandatory=alpn\n", False),
    ("hex in blocks of odd length", b"w TLSA 3 1 1 abc d\n", False),
    ("hex with blanks in quotes", b'w TLSA 3 1 1 "ab cd"\n', True),
    ("LOC by number", b"w TYPE29 \\# 1 aa\n", True),
    ("types end at 65535", b"w TYPE65536 \\# 1 aa\n", False),
    ("TTL and class twice", b"w 60 IN 60 A 192.0.2.9\n", False),
    ("an address of a delegated name server", b"@ NS ns.sub\nsub NS ns.sub\n", True),
    ("a wildcard gives a name server an address", b"@ NS ns9\n* AAAA 2001:db8::9\n", True),
    ("an exchanger below a delegation", b"@ MX 1 m.sub\nsub NS ns1\n", True),
    ("a TTL of 2^31 outside the zone", b"foo.net. 2147483648 A 192.0.2.9\n", True),
]


@pytest.mark.parametrize(("data", "accepted"), [pytest.param(*case, id=name) for name, *case in DETAILS])
def test_details_of_the_grammar(data: bytes, accepted: bool) -> None:
    verdict = judge(BASE + data, ORIGIN)
    assert verdict.accepted is accepted, verdict.reason


@pytest.mark.parametrize(
    "data",
    [
        b"@ MX 0 .\n",
        b"w SRV 0 0 0 .\n",
        b"w PTR .\n",
        b"w AAAA ::ffff:c000:201\n",
        b"w HTTPS 1 ns1 port=8443\n",
        b"w DNSKEY 256 3 8 %s\n" % (b"A" * 60),
        b'"10".mail A 192.0.2.9\n',
        b"w LOC 1 N 1 E -2.5m\n",
        b"w LOC 1 N 1 E -0.05m\n",
    ],
)
def test_accepted_and_lost_at_the_next_dynamic_update(data: bytes) -> None:
    verdict = judge(BASE + data, ORIGIN)
    assert (verdict.accepted, verdict.survives) == (True, False)


@pytest.mark.parametrize("data", [b'w TXT "abc"def\n', b"w DNSKEY 256 3 8 AAAA\n"])
def test_accepted_and_something_else_after_each_dynamic_update(data: bytes) -> None:
    first = judge(BASE + data, ORIGIN).written_back
    assert first is not None
    again = judge(first, ORIGIN)
    assert again.accepted
    assert again.written_back != first


def test_the_primary_keeps_one_pointer_of_each_name() -> None:
    verdict = judge(BASE + b"w PTR a.example.net.\nw PTR b.example.net.\n", ORIGIN)
    assert verdict.written_back is not None
    assert verdict.written_back.count(b"PTR") == 1


def test_names_outside_the_zone_are_dropped_unless_they_are_glue() -> None:
    data = (
        BASE + b"@ NS ns.gandi.net.\nns.gandi.net. A 192.0.2.6\nfoo.net. A 192.0.2.7\nns.gandi.net. TXT a\n"
    )
    verdict = judge(data, ORIGIN)
    assert verdict.dropped == (Name.of("foo.net"), Name.of("ns.gandi.net"))
    assert verdict.written_back is not None
    assert verdict.written_back.endswith(b"\n\nns.gandi.net.\tA\t192.0.2.6\n\n\n")


def test_the_old_primary_rejects_single_letters_that_loc_uses() -> None:
    data = BASE + b"e.ns A 192.0.2.9\n"
    assert judge(data, ORIGIN, NEW).accepted
    assert not judge(data, ORIGIN, OLD).accepted


def zone_file(origin: str, more: bytes = b"") -> bytes:
    return BASE.replace(b"example.org", origin.encode()) + more


def test_a_zone_below_gives_the_zone_above_its_address_only_when_loaded_before() -> None:
    parent = zone_file("example.org", b"@ MX 1 mail.sub\n")
    child = zone_file("sub.example.org", b"mail A 192.0.2.9\n")
    above, below = Name.of("example.org"), Name.of("sub.example.org")
    assert judge_all({below: child, above: parent})[above].accepted
    verdicts = judge_all({above: parent, below: child})
    assert not verdicts[above].accepted
    assert verdicts[below].accepted


def test_one_bad_zone_does_not_harm_another() -> None:
    good, bad = Name.of("example.org"), Name.of("example.net")
    verdicts = judge_all({bad: b"$INCLUDE x\n", good: zone_file("example.org")})
    assert verdicts[good].accepted
    assert verdicts[good].survives
    assert verdicts[bad].line == 1


def test_glue_counts_only_while_no_zone_answers_for_it() -> None:
    org, net = Name.of("example.org"), Name.of("gandi.net")
    data = zone_file("example.org", b"@ NS ns6.gandi.net.\nns6.gandi.net. A 192.0.2.6\n")
    alone, beside = judge_all({org: data})[org], judge_all({org: data, net: zone_file("gandi.net")})[org]
    assert (alone.dropped, beside.dropped) == ((), (Name.of("ns6.gandi.net"),))
