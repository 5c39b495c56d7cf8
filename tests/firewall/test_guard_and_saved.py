"""Text from a host and text for a host: hostile until proved ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.guard import check_restore_text
from tenants.formats.firewall.restore import Wanted, check_owner, is_there, removal_text, restore_text
from tenants.formats.firewall.rules import Chain, Rule
from tenants.formats.firewall.saved import MOST_TEXT, NOTHING, Owner, Saved, fingerprint, read_saved
from tenants.formats.text import FormatError
from tests.firewall.examples import two_stacks
from tests.firewall.strategies import rules

WANTED = Wanted(Owner("a1b2", 7), derive(two_stacks()))
TEXT = restore_text(WANTED, NOTHING)


def as_saved(text: str) -> Saved:
    return read_saved(re.sub(r"^-I (\w+) 1 ", r"-A \1 ", text, flags=re.MULTILINE))


def test_our_own_text_passes() -> None:
    check_restore_text(TEXT)
    check_restore_text(removal_text(as_saved(TEXT)))
    assert removal_text(NOTHING) == ""


@given(st.lists(rules(), max_size=30))
def test_whatever_we_write_passes_and_reads_back(drawn: list[Rule]) -> None:
    wanted = Wanted(Owner("a1b2", 7), tuple(drawn))
    text = restore_text(wanted, NOTHING)
    check_restore_text(text)
    assert is_there(wanted, as_saved(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (":ROOKERY-INPUT - [0:0]", ":INPUT DROP [0:0]"),
        (":ROOKERY-INPUT - [0:0]", ":ROOKERY-OTHER - [0:0]"),
        (":ROOKERY-INPUT - [0:0]", ":ROOKERY-DNAT - [0:0]"),
        (":ROOKERY-INPUT - [0:0]\n", ""),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-I INPUT 1 -j DROP"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-A INPUT -j ROOKERY-INPUT"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-I OUTPUT 1 -j ROOKERY-INPUT"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-F INPUT"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-F"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-P INPUT DROP"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-X DOCKER"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "# harmless"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-A ROOKERY-INPUT -j DOCKER"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-A ROOKERY-INPUT -m string --string x -j DROP"),
        ("-I INPUT 1 -j ROOKERY-INPUT", "-A ROOKERY-INPUT -j ACCEPT\r"),
        ("*nat", "*mangle"),
        ("*nat", "*filter"),
        ("COMMIT\n*nat", "*nat"),
        ("COMMIT\n", "COMMIT"),
    ],
)
def test_text_that_touches_anything_else_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(FormatError) as refused:
        check_restore_text(TEXT.replace(old, new))
    assert refused.value.field == "rules"


def test_text_that_is_cut_off_is_refused() -> None:
    for end in range(1, len(TEXT), 7):
        cut = TEXT[:end]
        if cut.endswith("COMMIT\n"):
            continue
        with pytest.raises(FormatError):
            check_restore_text(cut)


@given(
    st.lists(rules(), max_size=20),
    st.integers(0, 400),
    st.text("\n -AIFXPj:*ROKEY\"'x", min_size=1, max_size=8),
)
def test_no_text_with_a_foreign_chain_passes(drawn: list[Rule], at: int, junk: str) -> None:
    text = restore_text(Wanted(Owner("a1b2", 7), tuple(drawn)), NOTHING)
    spoiled = text[:at] + junk + text[at:]
    try:
        check_restore_text(spoiled)
    except FormatError:
        return
    allowed = (
        "-A ROOKERY-",
        ":ROOKERY-",
        "-F ROOKERY-",
        "-X ROOKERY-",
        "COMMIT",
        "*filter",
        "*nat",
        "-I ",
        "-D ",
    )
    assert all(line.startswith(allowed) for line in spoiled.splitlines())


@given(st.text(max_size=300) | st.text("*filter\n:ROOKERY-INPUT [0:]AjCOMMIT-", max_size=300))
def test_nothing_but_a_refusal_comes_of_a_strange_host(text: str) -> None:
    try:
        saved = read_saved(text)
    except FormatError as refused:
        assert refused.field == "rules"  # noqa: PT017
    else:
        assert saved.fingerprint == fingerprint(text)


@pytest.mark.parametrize(
    "text",
    [
        "*nat\n",
        "-A INPUT -j ACCEPT\n",
        "*nat\n*filter\nCOMMIT\n",
        "*nat\njunk\nCOMMIT\n",
        "x" * (MOST_TEXT + 1),
    ],
)
def test_what_is_no_iptables_save_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        read_saved(text)


def test_counters_do_not_count_for_the_hash_and_are_read() -> None:
    plain = "*nat\n:PREROUTING ACCEPT [1:2]\n:ROOKERY-DNAT - [0:0]\n-A PREROUTING -j ROOKERY-DNAT\nCOMMIT\n"
    busy = plain.replace("ROOKERY-DNAT - [0:0]", "ROOKERY-DNAT - [7:9]").replace("[1:2]", "[9:9]")
    assert fingerprint(plain) == fingerprint(busy)
    counted = plain.replace("COMMIT", "[3:180] -A ROOKERY-DNAT -p tcp -j ACCEPT\nCOMMIT")
    assert read_saved(counted).counters[Chain.DNAT][0].packets == 3


@pytest.mark.parametrize(
    ("owner", "words"),
    [(Owner("ffff", 7), "Another Rookery"), (Owner("a1b2", 6), "set back"), (None, "no Rookery has signed")],
)
def test_chains_of_somebody_else_are_left_alone(owner: Owner | None, words: str) -> None:
    there = as_saved(TEXT)
    if owner is None:
        unsigned = "\n".join(line for line in TEXT.splitlines() if not line.startswith("-A ROOKERY-OWNER"))
        there = as_saved(unsigned + "\n")
    wanted = Wanted(owner or WANTED.owner, ())
    with pytest.raises(FormatError) as refused:
        check_owner(wanted, there)
    assert words in str(refused.value)
    with pytest.raises(FormatError):
        restore_text(wanted, there)
