"""Subnets of bridges and their pools."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.networks import check_address, check_network, next_free
from tenants.formats.text import FormatError


def test_what_is_left_empty_is_the_usual() -> None:
    assert check_network(" 10.0.0.0/24 ") == {
        "subnet": "10.0.0.0/24",
        "gateway": "10.0.0.1",
        "first": "10.0.0.1",
        "last": "10.0.0.254",
    }


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"subnet": "10.0.0.5/24"}, "subnet"),
        ({"subnet": "10.0.0.0/8"}, "subnet"),
        ({"subnet": "10.0.0.0/31"}, "subnet"),
        ({"subnet": "fd00::/64"}, "subnet"),
        ({"subnet": "x" * 5000}, "subnet"),
        ({"subnet": "127.8.0.0/24"}, "subnet"),
        ({"subnet": "169.254.0.0/16"}, "subnet"),
        ({"subnet": "239.1.2.0/24"}, "subnet"),
        ({"subnet": "255.255.255.0/24"}, "subnet"),
        ({"subnet": "10.0.0.0/24", "gateway": "10.0.1.1"}, "gateway"),
        ({"subnet": "10.0.0.0/24", "gateway": "10.0.0.255"}, "gateway"),
        ({"subnet": "10.0.0.0/24", "first": "10.0.0.9", "last": "10.0.0.3"}, "last"),
    ],
)
def test_what_is_no_network_names_its_field(given_: dict[str, str], field: str) -> None:
    with pytest.raises(FormatError) as refused:
        check_network(**given_)
    assert refused.value.field == field


@given(st.integers(24, 30), st.sets(st.integers(0, 255)))
def test_the_next_free_one_is_in_the_pool_and_nobodys(prefix: int, taken: set[int]) -> None:
    plan = check_network(f"10.0.0.0/{prefix}")
    known = {f"10.0.0.{each}" for each in taken}
    found = next_free(plan, known)
    hosts = [str(each) for each in ipaddress.IPv4Network(plan["subnet"]).hosts()]
    free = [each for each in hosts if each not in known and each != plan["gateway"]]
    assert found == (free[0] if free else None)


def test_the_gateway_is_not_given_away() -> None:
    with pytest.raises(FormatError, match="gateway"):
        check_address("10.0.0.1", check_network("10.0.0.0/24"), field="addresses")
