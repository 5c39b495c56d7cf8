"""MX, addresses, reverse names, ports, relaying."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tenants.formats.mail_checks import Level, Who
from tenants.formats.mail_checks.reading import Connect, Connected, Relay, Relayed, Said
from tests.mail_checks.seen import (
    AT,
    ELSEWHERE,
    EMPTY,
    EXPECTED,
    GONE,
    MAIL,
    PRIMARY,
    SILENT,
    Seen,
    data,
    good,
)

RIGHT = data("10 mail.example.org", authoritative=True)


def exchangers(said: Said, source: Said = EMPTY) -> Seen:
    return good().dns("example.org", "MX", said).dns("example.org", "MX", source, PRIMARY)


def test_an_old_answer_is_on_its_way_until_it_is_forgotten() -> None:
    found = exchangers(data("5 old.example.net", ttl=7500), RIGHT).line(EXPECTED, "mx")
    assert (found.level, found.until) == (Level.WAITING, AT + timedelta(seconds=7500))
    assert "until 14:05 UTC" in found.sentence
    assert (found.seen, found.wanted) == (("5 old.example.net",), ("10 mail.example.org",))


def test_a_remembered_absence_is_on_its_way_too() -> None:
    assert exchangers(GONE, RIGHT).line(EXPECTED, "mx").until == AT + timedelta(hours=1)


def test_green_means_equal_to_what_was_computed() -> None:
    found = exchangers(data("20 mail.example.org"), data("20 mail.example.org", authoritative=True))
    assert found.line(EXPECTED, "mx").level is Level.FAIL


def test_a_source_that_does_not_keep_the_zone_proves_nothing() -> None:
    source = replace(RIGHT, authoritative=False)
    assert exchangers(data("5 old.example.net"), source).line(EXPECTED, "mx").level is Level.FAIL


@pytest.mark.parametrize(
    ("said", "level"),
    [
        (data("10 mail.example.org"), Level.OK),
        (data("10 mail.other.example"), Level.FAIL),
        (data("0 "), Level.FAIL),
        (EMPTY, Level.FAIL),
        (GONE, Level.FAIL),
        (SILENT, Level.UNKNOWN),
    ],
)
def test_exchangers_of_dns_elsewhere(said: Said, level: Level) -> None:
    assert good().dns("example.org", "MX", said).line(ELSEWHERE, "mx").level is level


def test_without_a_known_server_nothing_is_called_right() -> None:
    assert good().line(replace(ELSEWHERE, receivers=frozenset()), "mx").level is Level.INFO


@pytest.mark.parametrize(
    ("address", "level"), [(EMPTY, Level.FAIL), (data("192.0.2.1"), Level.FAIL), (SILENT, Level.UNKNOWN)]
)
def test_addresses(address: Said, level: Level) -> None:
    seen = good().dns("mail.example.org", "A", address)
    assert seen.line(EXPECTED, "address:mail.example.org").level is level


def test_a_second_address_that_leads_elsewhere() -> None:
    seen = good().dns("mail.example.org", "AAAA", data("2001:500::1"))
    found = seen.line(EXPECTED, "address:mail.example.org")
    assert found.level is Level.FAIL
    assert "2001:500::1 is not your mail server" in found.sentence


def test_a_private_address() -> None:
    seen = good().dns("mail.example.org", "A", data("10.0.0.3"))
    found = seen.line(replace(ELSEWHERE, receivers=frozenset()), "address:mail.example.org")
    assert (found.level, "nobody outside" in found.sentence) == (Level.FAIL, True)


def test_an_alias() -> None:
    seen = good().dns("mail.example.org", "CNAME", data("host.example.net"))
    assert seen.line(EXPECTED, "address:mail.example.org").level is Level.WARN


POINTER = "201.14.9.199.in-addr.arpa"


@pytest.mark.parametrize(
    ("said", "level"),
    [(EMPTY, Level.FAIL), (data("pool.host.example"), Level.WARN), (SILENT, Level.UNKNOWN)],
)
def test_reverse_names(said: Said, level: Level) -> None:
    found = good().dns(POINTER, "PTR", said).line(EXPECTED, f"ptr:{MAIL}")
    assert found.level is level
    if level is not Level.UNKNOWN:
        assert found.who is Who.PROVIDER


def test_one_of_several_reverse_names_that_leads_back_is_enough() -> None:
    seen = good().dns(POINTER, "PTR", data("pool.host.example", "mail.example.org"))
    assert seen.line(EXPECTED, f"ptr:{MAIL}").level is Level.OK


def test_an_address_inside_a_network_has_no_reverse_name() -> None:
    expected = replace(EXPECTED, senders=frozenset({"127.0.0.5"}))
    assert good().line(expected, "ptr:127.0.0.5").level is Level.INFO


@pytest.mark.parametrize(
    ("seen", "at_25", "at_465"),
    [
        (Connected("nobody answers"), Level.FAIL, Level.FAIL),
        (Connected(tls_problem="no STARTTLS"), Level.WARN, Level.FAIL),
        (Connected(distrust="self-signed"), Level.WARN, Level.FAIL),
        (Connected(valid_until=AT), Level.WARN, Level.FAIL),
        (Connected(valid_until=AT + timedelta(days=13)), Level.WARN, Level.WARN),
        (Connected(valid_until=AT + timedelta(days=15)), Level.OK, Level.OK),
    ],
)
def test_ports(seen: Connected, at_25: Level, at_465: Level) -> None:
    world = good()
    for port, level in ((25, at_25), (465, at_465)):
        world.answers[Connect(MAIL, port, "mail.example.org")] = seen
        assert world.line(EXPECTED, f"port-{port}:mail.example.org {MAIL}").level is level


def test_a_submission_host_without_address() -> None:
    expected = replace(EXPECTED, submission=("smtp.example.org",))
    assert good().line(expected, "port-465:smtp.example.org").level is Level.FAIL


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        (Relayed(True, "250 ok"), Level.FAIL),
        (Relayed(False, "550 no"), Level.OK),
        (Relayed(None, "the connection broke"), Level.UNKNOWN),
    ],
)
def test_relaying(seen: Relayed, level: Level) -> None:
    world = good()
    world.answers[Relay(MAIL)] = seen
    assert world.line(EXPECTED, f"open-relay:mail.example.org {MAIL}").level is level
