"""SPF, DKIM, DMARC."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.mail_checks import DkimKey, Level, Reading, Who
from tenants.formats.mail_checks.reading import Said
from tenants.formats.mail_checks.spf_record import Cost, Unreadable, cost, read_spf, verdict
from tests.mail_checks.seen import (
    AT,
    ELSEWHERE,
    EMPTY,
    EXPECTED,
    GONE,
    KEY,
    MAIL,
    PRIMARY,
    SILENT,
    Seen,
    data,
    good,
)


def spf(*texts: str) -> Seen:
    return good().text("example.org", *texts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"v=spf1 ip4:{MAIL} +all", "whole world"),
        (f"v=spf1 ip4:{MAIL} all", "whole world"),
        ("v=spf1 ip4:198.51.100.1 -all", "does not allow 199.9.14.201"),
        ("v=spf1 a:nobody.example -all", "does not allow"),
        (f"v=spf1 ip4:{MAIL} ipv4:1.2.3.4 -all", "“ipv4:1.2.3.4” is no term"),
        (f"v=spf1 ip4:{MAIL} include:none.example -all", "none.example has no SPF record"),
        (f"v=spf1 ip4:{MAIL} include:example.org -all", "example.org includes itself"),
        (f"v=spf1 ip4:{MAIL} a:x1.example a:x2.example a:x3.example -all", "3 hosts that do not exist"),
    ],
)
def test_broken_records(text: str, words: str) -> None:
    found = spf(text).line(EXPECTED, "spf")
    assert found.level is Level.FAIL
    assert words in found.sentence


def test_no_record_and_several() -> None:
    found = spf("something else").line(EXPECTED, "spf")
    assert (found.level, found.wanted) == (Level.FAIL, (f"v=spf1 ip4:{MAIL} -all",))
    assert "has 2 SPF records" in spf("v=spf1 -all", "V=SPF1 a -all").line(EXPECTED, "spf").sentence


def test_a_record_that_forbids_nothing() -> None:
    assert spf(f"v=spf1 ip4:{MAIL} ?all").line(EXPECTED, "spf:end").level is Level.RECOMMENDED


def including(number: int) -> Seen:
    seen = spf(
        " ".join(["v=spf1", *(f"include:p{each}.example" for each in range(number)), f"ip4:{MAIL} -all"])
    )
    for each in range(number):
        seen.text(f"p{each}.example", "v=spf1 ip4:198.51.100.0/24 -all")
    return seen


@pytest.mark.parametrize(
    ("number", "level"), [(8, Level.OK), (9, Level.WARN), (10, Level.WARN), (11, Level.FAIL)]
)
def test_ten_lookups_are_allowed(number: int, level: Level) -> None:
    found = including(number).line(EXPECTED, "spf")
    assert found.level is level
    assert str(number) in found.sentence


def reading(seen: Seen) -> Reading:
    """All that a world has; what it lacks is empty."""

    class Everything(dict):  # type: ignore[type-arg]
        def __contains__(self, question: object) -> bool:
            return True

        def __missing__(self, question: object) -> object:
            return EMPTY

    return Reading(AT, Everything(seen.answers))


def test_the_cost_counts_what_is_included() -> None:
    seen = spf("v=spf1 include:a.example mx -all").dns("example.org", "MX", data("1 m.example"))
    seen.text("a.example", "v=spf1 a:h.example redirect=b.example").dns("h.example", "A", data("192.0.2.1"))
    seen.text("b.example", "v=spf1 exists:%{i}.example ptr ip4:192.0.2.0/24 -all")
    assert cost("example.org", reading(seen)) == Cost(6, 0, ("a.example", "b.example"))


@pytest.mark.parametrize(
    ("text", "address", "said"),
    [
        ("v=spf1 -all", "192.0.2.1", "fail"),
        ("v=spf1 ~all", "192.0.2.1", "softfail"),
        ("v=spf1", "192.0.2.1", "neutral"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.1", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.3.1", "fail"),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", "pass"),
        ("v=spf1 -ip4:192.0.2.1 +all", "192.0.2.1", "fail"),
        ("v=spf1 a -all", "192.0.2.9", "pass"),
        ("v=spf1 a/24 -all", "192.0.2.200", "pass"),
        ("v=spf1 a//64 -all", "192.0.2.200", "fail"),
        ("v=spf1 mx:example.org -all", MAIL, "pass"),
        ("v=spf1 include:other.example -all", "203.0.113.5", "pass"),
        ("v=spf1 include:other.example ~all", "203.0.114.5", "softfail"),
        ("v=spf1 include:nothing.example -all", "192.0.2.1", "permerror"),
        ("v=spf1 redirect=other.example", "203.0.113.5", "pass"),
        ("v=spf1 redirect=nothing.example", "203.0.113.5", "permerror"),
        ("v=spf1 exists:other.example -all", "192.0.2.1", "fail"),
        ("v=spf1 exists:%{i}.example -all", "192.0.2.1", "unknown"),
        ("v=spf1 ip4:nonsense -all", "192.0.2.1", "permerror"),
        ("something", "192.0.2.1", "none"),
    ],
)
def test_what_a_record_says_of_an_address(text: str, address: str, said: str) -> None:
    seen = spf(text).dns("example.org", "A", data("192.0.2.9"))
    seen.text("other.example", "v=spf1 ip4:203.0.113.0/24 -all")
    assert verdict("example.org", address, reading(seen)) == said


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 ip4:1.2.3.4/33",
        "v=spf1 ip4:::1",
        "v=spf1 ip6:1.2.3.4",
        "v=spf1 include:",
        "v=spf1 a:",
        "v=spf1 all:x",
        "v=spf1 a/99",
        "v=spf1 a/x",
        "v=spf1 redirect=a.example redirect=b.example",
        "v=spf1 include:bad!name",
        "v=spf1 " + "a " * 101,
    ],
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(Unreadable):
        read_spf(text)


@given(st.text(max_size=200))
def test_hostile_records_are_read_or_refused(text: str) -> None:
    try:
        terms = read_spf("v=spf1 " + text)
    except Unreadable:
        return
    assert len(terms) <= 101


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "mx",
                "ptr",
                "-all",
                "~all",
                "include:example.org",
                "redirect=example.org",
                "a/0",
                "ip4:0/0",
            ]
        )
    )
)
def test_every_record_is_judged_within_bounds(words: list[str]) -> None:
    seen = spf(" ".join(["v=spf1", *words]))
    assert [each.check for each in seen.find(EXPECTED, "spf")][:1] == ["spf"]


def test_another_record_than_rookery_writes() -> None:
    wanted = frozenset({f"v=spf1 ip4:{MAIL} -all", "something else"})
    expected = replace(EXPECTED, records={("example.org", "TXT"): wanted})
    seen = spf("v=spf1 ip4:198.51.100.1 -all")
    assert seen.line(expected, "spf").level is Level.FAIL
    seen.dns("example.org", "TXT", data(*wanted, authoritative=True), PRIMARY)
    assert seen.line(expected, "spf").level is Level.WAITING
    assert good().line(expected, "spf").level is Level.OK


NAME = "s1._domainkey.example.org"


@pytest.mark.parametrize(
    ("said", "level", "words"),
    [
        (EMPTY, Level.FAIL, "is not published"),
        (GONE, Level.FAIL, "is not published"),
        (data("v=DKIM1; p="), Level.FAIL, "revoked"),
        (data("v=DKIM1; p=AAAA"), Level.FAIL, "not the one"),
        (data("v=DKIM1"), Level.FAIL, "not the one"),
        (data("v=DKIM1; p=AAAA", f"v=DKIM1; p={KEY}"), Level.FAIL, "more than once"),
        (data(f"v=DKIM1; t=y:s; p={KEY}"), Level.WARN, "test"),
        (data(f"v=DKIM1; p={KEY[:9]} {KEY[9:]}"), Level.OK, "signs"),
        (SILENT, Level.UNKNOWN, "in time"),
    ],
)
def test_keys(said: Said, level: Level, words: str) -> None:
    found = good().dns(NAME, "TXT", said).line(EXPECTED, "dkim:s1")
    assert found.level is level
    assert words in found.sentence


@pytest.mark.parametrize(
    ("texts", "ours", "elsewhere"),
    [
        ((), "Start the signer", "Copy the record of s1._domainkey.example.org"),
        (("p=AAAA",), "restart the signer", "Copy the record of s1._domainkey.example.org"),
        (("p=AAAA", f"p={KEY}"), "the signer only adds", "Remove the old record there."),
    ],
)
def test_what_to_do_about_a_key_depends_on_who_writes_the_zone(
    texts: tuple[str, ...], ours: str, elsewhere: str
) -> None:
    seen = good().dns(NAME, "TXT", data(*texts) if texts else EMPTY)
    assert ours in seen.line(EXPECTED, "dkim:s1").fix
    found = seen.line(ELSEWHERE, "dkim:s1")
    assert (found.who, found.level) == (Who.DNS, Level.FAIL)
    assert elsewhere in found.fix


def test_a_key_on_its_way() -> None:
    seen = good().dns(NAME, "TXT", data("v=DKIM1; p=AAAA", ttl=60))
    seen.dns(NAME, "TXT", data(f"p={KEY}", authoritative=True), PRIMARY)
    found = seen.line(EXPECTED, "dkim:s1")
    assert (found.level, found.until) == (Level.WAITING, AT + timedelta(seconds=60))


def test_a_key_that_rookery_does_not_know_is_not_called_right() -> None:
    assert good().line(replace(EXPECTED, dkim=()), "dkim").level is Level.INFO


def test_every_key_has_its_line() -> None:
    expected = replace(EXPECTED, dkim=(*EXPECTED.dkim, DkimKey("s2", "BBBB")))
    assert [each.level for each in good().find(expected, "dkim")] == [Level.OK, Level.FAIL]


@pytest.mark.parametrize(
    ("texts", "level"),
    [
        (("v=DMARC1; p=reject",), Level.OK),
        (("v=DMARC1; p=none",), Level.RECOMMENDED),
        (("v=DMARC1; p=nonne",), Level.WARN),
        (("v=DMARC1",), Level.WARN),
        (("v=DMARC1; p=none", "v=DMARC1; p=reject"), Level.WARN),
        (("v=spf1 -all",), Level.WARN),
    ],
)
def test_policies(texts: tuple[str, ...], level: Level) -> None:
    assert good().text("_dmarc.example.org", *texts).line(ELSEWHERE, "dmarc").level is level


def test_the_policy_of_the_domain_above() -> None:
    seen = Seen().text("_dmarc.example.org", "v=DMARC1; p=none; sp=reject")
    assert seen.line(replace(ELSEWHERE, domain="a.b.example.org"), "dmarc").level is Level.OK


def test_another_policy_than_rookery_writes() -> None:
    seen = good().text("_dmarc.example.org", "v=DMARC1; p=reject")
    assert seen.line(EXPECTED, "dmarc").level is Level.FAIL


def test_reports_to_strangers_need_their_consent() -> None:
    seen = good().text(
        "_dmarc.example.org", "v=DMARC1; p=reject; rua=mailto:a@in.example.org,mailto:x@r.example!5m"
    )
    assert seen.line(ELSEWHERE, "dmarc:reports to r.example").level is Level.WARN
    seen.text("example.org._report._dmarc.r.example", "v=DMARC1")
    assert [each.line for each in seen.find(ELSEWHERE, "dmarc")] == ["dmarc"]
