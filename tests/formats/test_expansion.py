"""The list of an alias: the union of what it delivers to, in a stable order; nothing that ptt mixes up."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.expansion import expand, merged

ADDRESSES = st.builds(
    "{}@{}".format, st.sampled_from(["ada", "Ada", "bob", "eve"]), st.sampled_from(["x.tld", "y.tld"])
)
LISTS = st.lists(st.lists(ADDRESSES, max_size=4), max_size=6)


def one_domain(targets: Sequence[str]) -> str:
    return "two domains" if len({each.rpartition("@")[2] for each in targets}) > 1 else ""


def low(addresses: Sequence[str]) -> set[str]:
    return {each.lower() for each in addresses}


@given(LISTS)
def test_without_a_rule_it_is_the_union(lists: list[list[str]]) -> None:
    found = expand(lists, lambda _: "")
    assert low(found.targets) == low([each for addresses in lists for each in addresses])
    assert list(found.targets) == merged(lists)
    assert found.left_out == {}


@given(LISTS)
def test_each_address_once_in_the_order_in_which_it_came(lists: list[list[str]]) -> None:
    found = expand(lists, one_domain)
    assert len(low(found.targets)) == len(found.targets)
    kept = [addresses for index, addresses in enumerate(lists) if index not in found.left_out]
    assert list(found.targets) == merged(kept)


@given(LISTS)
def test_what_is_written_keeps_the_rule_and_every_list_is_whole_or_said_to_be_out(
    lists: list[list[str]],
) -> None:
    found = expand(lists, one_domain)
    assert one_domain(found.targets) == ""
    for index, addresses in enumerate(lists):
        assert (index in found.left_out) == (not low(addresses) <= low(found.targets))


@given(LISTS, LISTS)
def test_lists_that_come_later_take_nothing_away(first: list[list[str]], more: list[list[str]]) -> None:
    before, after = expand(first, one_domain), expand([*first, *more], one_domain)
    assert after.targets[: len(before.targets)] == before.targets
