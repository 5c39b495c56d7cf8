"""A domain of which all is well is green in every line, and bounded work finds that out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tenants.formats.mail_checks import CHECKS, Expected, Level, Reading, judge
from tenants.formats.mail_checks.reading import Lookup, Relay
from tests.mail_checks.seen import AT, ELSEWHERE, EMPTY, EXPECTED, PRIMARY, SILENT, Seen, good


def test_every_line_is_green_but_for_what_ptt_cannot_do() -> None:
    levels = {each.line: each.level for each in good().find(EXPECTED)}
    assert {line for line, level in levels.items() if level is not Level.OK} == {
        "dnssec",
        "tlsa:mail.example.org",
    }
    assert levels["dnssec"] == levels["tlsa:mail.example.org"] == Level.INFO


def test_every_check_has_a_line() -> None:
    assert {each.check for each in good().find(EXPECTED)} == {check.id for check in CHECKS}


def test_lines_are_named_once() -> None:
    lines = [each.line for each in good().find(EXPECTED)]
    assert len(lines) == len(set(lines))


def test_one_check_asks_only_what_it_needs() -> None:
    seen = good()
    assert [each.check for each in seen.find(EXPECTED, "dmarc")] == ["dmarc"]
    assert seen.asked == [Lookup("_dmarc.example.org", "TXT")]


def test_no_question_is_asked_twice() -> None:
    seen = good()
    seen.find(EXPECTED)
    assert len(seen.asked) == len(set(seen.asked))


@pytest.mark.parametrize("expected", [EXPECTED, ELSEWHERE, Expected("example.org"), Expected("org")])
def test_an_empty_world_gives_an_answer_for_every_check(expected: Expected) -> None:
    found = Seen().find(expected)
    assert all(each.sentence.endswith(".") for each in found)
    assert len(found) > 5


def test_silence_is_unknown_and_never_green_or_red_where_the_dns_was_asked() -> None:
    seen = good().dns("example.org", "DS", EMPTY)
    for question in list(seen.answers):
        if isinstance(question, Lookup):
            seen.answers[question] = SILENT
    by_check = {each.check: each.level for each in seen.find(EXPECTED)}
    for check in ("delegation", "dnssec", "mx", "ptr", "spf", "dkim", "dmarc", "mta-sts", "tls-rpt"):
        assert by_check[check] is Level.UNKNOWN, check


def test_what_was_not_asked_in_time_is_unknown() -> None:
    judged = judge(replace(EXPECTED, certificates=()), Reading(AT, {}), final=True)
    assert {each.level for each in judged.findings} == {Level.UNKNOWN}
    assert "was not finished in time" in judged.findings[0].sentence


@pytest.mark.parametrize("expected", [Expected("example.org"), replace(EXPECTED, ours=frozenset({PRIMARY}))])
def test_strangers_servers_are_not_probed_for_relaying(expected: Expected) -> None:
    """Also not when the zone, which its owner writes, calls them the domain's."""
    seen = good()
    found = seen.find(expected, "open-relay")
    assert [each.level for each in found] == [Level.INFO]
    assert not any(isinstance(each, Relay) for each in seen.asked)


@pytest.mark.parametrize("expected", [EXPECTED, ELSEWHERE])
def test_whatever_is_wrong_says_who_and_how(expected: Expected) -> None:
    for each in Seen().find(expected):
        if each.level in {Level.FAIL, Level.WARN}:
            assert each.who, each
            assert each.fix, each
