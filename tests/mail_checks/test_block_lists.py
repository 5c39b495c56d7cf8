"""DNS block lists: which answers mean listed, which mean nothing, and how much is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from panel.environment import MOST_BLOCK_LISTS
from tenants.formats.mail_checks import Level
from tenants.formats.mail_checks.block_lists import MOST_LISTED, MOST_LISTS, entry_of
from tenants.formats.mail_checks.finding import Who
from tenants.formats.mail_checks.reading import Lookup, Said
from tests.mail_checks.seen import EXPECTED, GONE, MAIL, SILENT, Seen, data

LIST = "list.example"
LINE = f"block-lists:{LIST}"


def listing(said: Said = GONE, *, always: Said | None = None, never: Said = GONE) -> Seen:
    """A list that works and says so of our address."""
    seen = Seen().dns(f"2.0.0.127.{LIST}", "A", always or data("127.0.0.2"))
    return seen.dns(f"1.0.0.127.{LIST}", "A", never).dns(entry_of(MAIL, LIST), "A", said)


def test_addresses_are_asked_for_backwards() -> None:
    assert entry_of("192.0.2.99", LIST) == f"99.2.0.192.{LIST}"
    digits = "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert entry_of("2001:db8::567:89ab", LIST) == f"{digits}.{LIST}"


def test_an_address_that_no_list_has() -> None:
    found = listing().line(EXPECTED, LINE)
    assert (found.level, found.sentence) == (Level.OK, f"{LIST} does not list {MAIL}.")


def test_a_listed_address_with_what_the_list_says() -> None:
    seen = listing(data("127.0.0.4", "127.0.0.2"))
    seen.text(entry_of(MAIL, LIST), "see https://list.example/?ip=1\n\x1b[31m" + "x" * 900)
    found = seen.line(EXPECTED, LINE)
    assert (found.level, found.who) == (Level.FAIL, Who.LIST)
    assert found.seen[0].startswith(f"{MAIL}: 127.0.0.4, 127.0.0.2 see https://list.example/?ip=1")
    assert "\n" not in found.seen[0]
    assert "\x1b" not in found.seen[0]
    assert len(found.seen[0]) < 400
    silent = listing(data("127.0.0.2")).dns(entry_of(MAIL, LIST), "TXT", SILENT).line(EXPECTED, LINE)
    assert silent.seen == (f"{MAIL}: 127.0.0.2",), "the reason is not needed to know it"


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (listing(data("127.255.255.254")), "does not answer this panel's resolver (127.255.255.254)"),
        (listing(always=data("127.255.255.252")), "does not answer this panel's resolver"),
        (listing(data("127.0.0.1")), "does not answer this panel's resolver (127.0.0.1)"),
        (listing(data("203.0.113.7")), "answers 203.0.113.7, which no block list says"),
        (listing(data("<b>")), "answers <b>, which no block list says"),
        (listing(SILENT), "nobody answered in time"),
        (listing(data("127.0.0.2"), never=data("127.0.0.2")), "lists every address"),
        (listing(always=GONE), "does not list its test entry"),
    ],
)
def test_what_means_nothing_is_not_known(seen: Seen, words: str) -> None:
    found = seen.line(EXPECTED, LINE)
    assert found.level is Level.UNKNOWN
    assert words in found.sentence


def test_an_answer_beside_a_refusal_counts() -> None:
    assert listing(data("127.255.255.254", "127.0.0.3")).line(EXPECTED, LINE).level is Level.FAIL
    two = replace(EXPECTED, senders=EXPECTED.senders | {"198.41.0.9"})
    seen = listing(data("127.0.0.3")).dns(entry_of("198.41.0.9", LIST), "A", SILENT)
    assert seen.line(two, LINE).level is Level.FAIL, "what one entry does not say hides no other"


def test_nothing_is_asked_without_a_list_or_an_address() -> None:
    seen = Seen()
    assert (
        "name none (ROOKERY_BLOCK_LISTS)"
        in seen.line(replace(EXPECTED, block_lists=()), "block-lists").sentence
    )
    nowhere = replace(EXPECTED, senders=frozenset({"10.0.0.1"}))
    assert seen.line(nowhere, "block-lists").level is Level.INFO
    assert seen.asked == []


def test_lists_and_addresses_are_bounded() -> None:
    assert MOST_LISTS == MOST_BLOCK_LISTS
    many = frozenset(f"198.41.{number}.4" for number in range(50))
    lists = tuple(f"l{number}.example" for number in range(50))
    seen = Seen()
    found = seen.find(replace(EXPECTED, senders=many, block_lists=lists), "block-lists")
    assert len(found) == MOST_LISTS
    assert len(seen.asked) == MOST_LISTS * (MOST_LISTED + 2)
    assert all(isinstance(each, Lookup) and not each.server for each in seen.asked), "the resolver alone"
