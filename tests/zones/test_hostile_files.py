"""Any bytes at all: a verdict or our own error, soon. 1 MB of the worst takes seconds, not hours."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenants.formats.text import FormatError, printable
from tenants.formats.zones.bind.importing import import_bind
from tenants.formats.zones.keyfile import read_keys
from tenants.formats.zones.primary import lexer
from tenants.formats.zones.primary.dialect import DIALECTS, OLD, Dialect
from tenants.formats.zones.primary.errors import UnreadableError, ZoneFileError
from tenants.formats.zones.primary.verdict import judge
from tenants.formats.zones.rules.check import check_zone
from tenants.formats.zones.rules.problem import blocking
from tenants.formats.zones.zone_file import emit, read_zone
from tests.zones.examples import ORIGIN, SOA

HEAD = b"$ORIGIN example.org.\n$TTL 3600\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n"

_words = (
    "@ . * a ns1 w.x example.org. x\\.y $ORIGIN $TTL $INCLUDE 0 1 60 4294967295 -1 2.5m 10m N s E w IN CH A"
    " AAAA NS CNAME SOA PTR MX TXT SRV CAA TLSA SSHFP DS DNSKEY LOC SVCB HTTPS TYPE35 TYPE1 \\# 192.0.2.1"
    ' ::1 [::] ab c "" "a b" "a ;b" a"b alpn=h2 port=1 key7= no-default-alpn ipv4hint=1.2.3.4'
    " mandatory=alpn ( ) ; \\"
)
_breaks = [b"\n", b"\n", b"\n ", b"\t", b"\r\n", b"\xef\xbb\xbf", b"\xff"]
_pieces = st.sampled_from([*_words.encode().split(b" "), *_breaks])
FILES = st.one_of(
    st.binary(max_size=200),
    st.lists(_pieces, max_size=60).map(b" ".join),
    st.lists(_pieces, max_size=40).map(lambda found: HEAD + b" ".join(found) + b"\n"),
    st.lists(_pieces, max_size=40).map(lambda found: HEAD + b"x " + b" ".join(found)),
)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(data=FILES)
@settings(deadline=None, max_examples=200)
@example(data=b"")
@example(data=b"\\")
@example(data=HEAD + b"x TXT \\\n")
@example(data=b"$ORIGIN " + b"a." * 200)
def test_any_bytes_get_a_verdict(dialect: Dialect, data: bytes) -> None:
    verdict = judge(data, ORIGIN, dialect)
    assert bool(verdict.reason) is not verdict.accepted
    assert printable(verdict.reason, 2000) == verdict.reason
    assert verdict.line is None or 1 <= verdict.line <= data.count(b"\n") + 1
    if verdict.written_back is not None:
        assert judge(verdict.written_back, ORIGIN, dialect).accepted is verdict.survives


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(data=FILES)
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_a_zone_or_our_error(dialect: Dialect, data: bytes) -> None:
    reason = ""
    try:
        zone = read_zone(data, ORIGIN, dialect)
    except ZoneFileError as error:
        reason = error.reason
    if reason:
        assert printable(reason, 2000) == reason
        assert reason.endswith(".")
        return
    if not blocking(check_zone(zone, (dialect,))):
        written = emit(zone)
        again = read_zone(written, ORIGIN, dialect)
        assert again == zone
        assert emit(again) == written


@given(FILES)
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_keys_or_our_error(data: bytes) -> None:
    try:
        found = read_keys(data, ORIGIN)
    except UnreadableError as error:
        sentences: tuple[str, ...] = (error.reason,)
    else:
        sentences = found.ignored
        assert all(key.name.within(ORIGIN) for key in found.keys)
    assert all(printable(sentence, 2000) == sentence for sentence in sentences)


@given(FILES.map(lambda data: data.decode("latin-1")))
@settings(deadline=None, max_examples=100)
def test_any_text_is_imported_line_by_line(text: str) -> None:
    found = import_bind(text, ORIGIN, SOA)
    numbers = [(line.first, line.last) for line in found.lines]
    assert numbers == sorted(numbers)
    assert all(1 <= first <= last <= text.count("\n") + 1 for first, last in numbers)
    for line in found.lines:
        for sentence in (line.text, *line.reasons):
            assert printable(sentence, 2000) == sentence


_TOKENS = st.lists(
    st.sampled_from(
        [bytes([byte]) for byte in b' \t\n;()."\\1m=-N_a@$'] + [b"no-default-alpn", b"type1", b"$TTL", b"TXT"]
    ),
    max_size=14,
).map(b"".join)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(data=_TOKENS)
@settings(deadline=None, max_examples=300)
def test_the_short_way_for_plain_tokens_finds_what_the_long_way_finds(dialect: Dialect, data: bytes) -> None:
    short = list(lexer.tokens(data, dialect))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexer, "_PLAIN_TOKEN", re.compile(rb"(?!)"))
        assert list(lexer.tokens(data, dialect)) == short


MEGABYTE = 1_000_000
_UNITS = [*b' \t\n();."\\a1@$\0\xff']
_UNITS_OF_MORE = [
    *(
        b"( ",
        b"()",
        b"; ",
        b" ;",
        b"\\ ",
        b'" ',
        b'"" ',
        b'"\\" ',
        b"a.",
        b"a ",
        b"1.",
        b"1m",
        b"-1",
        b"a=",
        b'a="',
    ),
    *(
        b"\r\n",
        b"(\n",
        b"\n)",
        b" \n",
        b"\n;",
        b"a\n",
        b"\\\n",
        b"( ; x\n",
        b"TYPE1 ",
        b'alpn="',
        b"$ORIGIN a\n",
    ),
]
UNITS = [bytes([byte]) for byte in _UNITS] + _UNITS_OF_MORE


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_repeated_bytes_cost_no_more_than_their_number(unit: bytes, dialect: Dialect) -> None:
    """A tenth of a megabyte where the primary takes text: the square of it would take longer than this."""
    began = time.process_time()
    judge(HEAD + b"x TXT " + unit * (MEGABYTE // 10 // len(unit)), ORIGIN, dialect)
    assert time.process_time() - began < 2.5


LONG: dict[str, bytes] = {
    "an address of a million digits": HEAD + b"x AAAA " + b"0" * MEGABYTE,
    "a number of a million digits": HEAD + b"x " + b"1" * MEGABYTE + b" A 192.0.2.1\n",
    "a place of a million digits": HEAD + b"x LOC 1 N 1 E " + b"1" * MEGABYTE + b"m\n",
    "a million hints": HEAD + b"x HTTPS 1 a ipv4hint=" + b"192.0.2.1," * (MEGABYTE // 10) + b"192.0.2.1\n",
    "a million parts": HEAD + b"x CAA 0 issue " + b'"a" ' * (MEGABYTE // 4) + b"\n",
    "parentheses": HEAD + b"x TXT " + b"( ) " * (MEGABYTE // 4) + b"\n",
}
MANY: dict[str, list[bytes]] = {
    "names of 110 labels": [b"h%d.%s A 192.0.2.1\n" % (number, b"a." * 109 + b"a") for number in range(500)],
    "one set": [b"x A 10.%d.%d.1\n" % divmod(number, 250) for number in range(10_000)],
    "exchangers by a wildcard": [b"* A 192.0.2.1\n", *(b"x MX 1 h%d\n" % number for number in range(10_000))],
    "delegations": [b"c%d NS ns.example.net.\n" % number for number in range(10_000)],
    "servers with glue": [
        b"@ NS h%d.example.net.\nh%d.example.net. A 192.0.2.1\n" % (number, number) for number in range(5_000)
    ],
}


@pytest.mark.parametrize("case", sorted(LONG))
def test_a_megabyte_in_one_record_is_judged_in_time(case: str) -> None:
    began = time.process_time()
    judge(LONG[case], ORIGIN)
    assert time.process_time() - began < 20


def test_a_megabyte_of_a_comment_without_end_is_judged_in_time() -> None:
    """Only the old primary reads a last line that is not ended."""
    began = time.process_time()
    judge(HEAD + b"x TXT " + b"; " * (MEGABYTE // 2), ORIGIN, OLD)
    assert time.process_time() - began < 20


@pytest.mark.parametrize("case", sorted(MANY))
def test_many_records_are_judged_and_checked_in_time(case: str) -> None:
    data = HEAD + b"".join(MANY[case])
    began = time.process_time()
    judge(data, ORIGIN)
    check_zone(read_zone(data, ORIGIN))
    assert time.process_time() - began < 12


def test_an_import_is_bounded() -> None:
    with pytest.raises(FormatError) as caught:
        import_bind("\n".join(["$TTL 1"] * 50_001), ORIGIN, SOA)
    assert "50000 lines" in caught.value.problem
    with pytest.raises(FormatError):
        import_bind("x" * 4_000_001, ORIGIN, SOA)
