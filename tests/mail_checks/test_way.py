"""Delegation, glue, agreement of name servers, DNSSEC."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tenants.formats.mail_checks import Expected, Level, Who
from tenants.formats.mail_checks.reading import Lookup, Said, Status
from tests.mail_checks.seen import (
    AT,
    ELSEWHERE,
    EMPTY,
    EXPECTED,
    GONE,
    PRIMARY,
    REGISTRY,
    SECOND,
    SILENT,
    Seen,
    data,
    good,
    soa,
)


def referred(*servers: str, glue: tuple[tuple[str, str], ...] = (("ns1.example.org", PRIMARY),)) -> Seen:
    said = Said(Status.NO_DATA, referred=servers, glue=glue, ttl=86400)
    return good().dns("example.org", "NS", said, REGISTRY)


@pytest.mark.parametrize(
    ("servers", "level", "words"),
    [
        (("ns1.example.org",), Level.WARN, "ns2.example.net is never asked"),
        (("ns1.other.example",), Level.FAIL, "nothing that Rookery publishes is seen"),
        (("ns1.example.org", "ns2.example.net", "ns.old.example"), Level.FAIL, "ns.old.example may say"),
    ],
)
def test_a_wrong_delegation(servers: tuple[str, ...], level: Level, words: str) -> None:
    found = referred(*servers).line(EXPECTED, "delegation")
    assert (found.level, found.who) == (level, Who.REGISTRAR)
    assert words in found.sentence
    assert found.seen == servers
    assert found.wanted == ("ns1.example.org", "ns2.example.net")


@pytest.mark.parametrize("said", [EMPTY, GONE])
def test_no_delegation(said: Said) -> None:
    found = good().dns("example.org", "NS", said, REGISTRY).line(EXPECTED, "delegation")
    assert (found.level, found.who) == (Level.FAIL, Who.REGISTRAR)


def test_a_silent_server_above_is_no_missing_delegation() -> None:
    seen = good().dns("example.org", "NS", SILENT, REGISTRY)
    assert seen.line(EXPECTED, "delegation").level is Level.UNKNOWN


def test_one_server_alone_works_but_is_not_enough() -> None:
    expected = replace(EXPECTED, servers={"ns1.example.org": (PRIMARY,)})
    seen = referred("ns1.example.org")
    assert seen.line(expected, "delegation").level is Level.OK
    assert seen.line(expected, "delegation:second").level is Level.RECOMMENDED


def test_elsewhere_any_delegation_is_right() -> None:
    assert referred("ns.host.example").line(ELSEWHERE, "delegation").level is Level.OK


def test_missing_glue_is_a_circle() -> None:
    found = referred("ns1.example.org", "ns2.example.net", glue=()).line(EXPECTED, "glue:ns1.example.org")
    assert (found.level, found.wanted) == (Level.FAIL, (PRIMARY,))


def test_wrong_glue() -> None:
    seen = referred("ns1.example.org", "ns2.example.net", glue=(("ns1.example.org", "192.0.2.9"),))
    found = seen.line(EXPECTED, "glue:ns1.example.org")
    assert (found.level, found.seen, found.wanted) == (Level.FAIL, ("192.0.2.9",), (PRIMARY,))


def test_a_server_outside_needs_no_glue() -> None:
    assert [each.subject for each in good().find(EXPECTED, "glue")] == ["ns1.example.org"]


SECONDARY = f"agreement:ns2.example.net {SECOND}"


@pytest.mark.parametrize(
    ("said", "level", "words"),
    [
        (soa(6), Level.WARN, "serial 6, not 7"),
        (SILENT, Level.FAIL, "nobody answered in time"),
        (EMPTY, Level.FAIL, "does not keep example.org"),
        (replace(soa(7), authoritative=False), Level.FAIL, "does not keep example.org"),
        (data("nonsense", authoritative=True), Level.FAIL, "does not keep example.org"),
    ],
)
def test_a_server_that_disagrees(said: Said, level: Level, words: str) -> None:
    found = good().dns("example.org", "SOA", said, SECOND).line(EXPECTED, SECONDARY)
    assert found.level is level
    assert words in found.sentence


def test_a_secondary_has_time_to_fetch_what_changed_just_now() -> None:
    expected = replace(EXPECTED, changed_at=AT - timedelta(minutes=2), refresh=7200)
    found = good().dns("example.org", "SOA", soa(6), SECOND).line(expected, SECONDARY)
    assert (found.level, found.until) == (Level.WAITING, AT + timedelta(minutes=118))


def test_elsewhere_the_newest_serial_counts_also_round_the_circle() -> None:
    seen = good().dns("example.org", "SOA", soa(2**32 - 1), SECOND)
    assert seen.line(ELSEWHERE, SECONDARY).level is Level.WARN
    assert seen.line(ELSEWHERE, f"agreement:ns1.example.org {PRIMARY}").level is Level.OK


def test_a_promise_of_signatures_that_ptt_cannot_keep() -> None:
    found = good().dns("example.org", "DS", data("1 8 2 ab")).line(EXPECTED, "dnssec")
    assert (found.level, found.who) == (Level.FAIL, Who.REGISTRAR)


@pytest.mark.parametrize(
    ("said", "level"),
    [
        (data("x", authentic=True), Level.OK),
        (data("x"), Level.INFO),
        (SILENT, Level.FAIL),
    ],
)
def test_signed_elsewhere(said: Said, level: Level) -> None:
    seen = good().dns("example.org", "DS", data("1 8 2 ab")).dns("example.org", "SOA", said)
    assert seen.line(ELSEWHERE, "dnssec").level is level


def test_the_zone_above_is_found_over_an_empty_name() -> None:
    seen = good()
    seen.dns("a.b.org", "NS", Said(Status.NO_DATA, referred=("ns.x.example",)), REGISTRY)
    seen.dns("b.org", "NS", EMPTY)
    assert seen.line(Expected("a.b.org"), "delegation").level is Level.OK


def test_a_server_without_address() -> None:
    found = good().dns("ns2.example.net", "A", GONE).line(EXPECTED, "agreement:ns2.example.net")
    assert (found.level, found.who) == (Level.FAIL, Who.OWNER)


def test_many_name_servers_are_not_all_asked() -> None:
    servers = tuple(f"ns{number}.example.net" for number in range(100))
    seen = referred(*servers)
    for number, server in enumerate(servers):
        seen.dns(server, "A", data(f"198.51.100.{number}"))
    seen.find(EXPECTED, "agreement")
    assert sum(isinstance(each, Lookup) and each.kind == "SOA" for each in seen.asked) <= 12
