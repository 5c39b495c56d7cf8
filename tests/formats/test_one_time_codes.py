"""Codes of authenticator apps: the RFCs' own examples, drift, and that none is taken twice."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tenants.formats import one_time_codes as codes

RFC_SEED = b"12345678901234567890"
NOW = 1_700_000_010.0
STEP = codes.step_at(NOW)
SEEDS = some.binary(min_size=20, max_size=20)


@pytest.mark.parametrize(
    ("counter", "code"),
    [
        (0, "755224"),
        (1, "287082"),
        (2, "359152"),
        (3, "969429"),
        (4, "338314"),
        (5, "254676"),
        (6, "287922"),
        (7, "162583"),
        (8, "399871"),
        (9, "520489"),
    ],
)
def test_the_examples_of_rfc_4226_appendix_d(counter: int, code: str) -> None:
    assert codes.code_at(RFC_SEED, counter) == code


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_examples_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    assert codes.code_at(RFC_SEED, codes.step_at(seconds), digits=8) == code


@given(SEEDS, some.integers(-3, 3))
def test_a_clock_may_be_one_step_off(seed: bytes, off: int) -> None:
    near = {codes.code_at(seed, STEP + each): STEP + each for each in (-1, 0, 1)}
    typed = codes.code_at(seed, STEP + off)
    found = codes.matching_step(seed, typed, now=NOW)
    assert found == (STEP + off if abs(off) <= 1 and near[typed] == STEP + off else near.get(typed))


@given(SEEDS)
def test_a_step_that_was_used_is_over_and_so_are_those_before(seed: bytes) -> None:
    for used in (STEP - 1, STEP, STEP + 1):
        for step in range(STEP - 1, STEP + 2):
            typed = codes.code_at(seed, step)
            found = codes.matching_step(seed, typed, now=NOW, last_step=used)
            assert found is None or found > used


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "\0" * 6, "²²²²²²"]
)
def test_what_is_no_code(typed: str) -> None:
    assert codes.matching_step(RFC_SEED, typed, now=NOW) is None


def test_spaces_do_not_matter() -> None:
    code = codes.code_at(RFC_SEED, STEP)
    assert codes.matching_step(RFC_SEED, f" {code[:3]} {code[3:]}\n", now=NOW) == STEP


def test_the_address_for_the_app() -> None:
    address = codes.app_address(RFC_SEED, account="a+b@x.example", issuer="Rookery panel.example")
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == (
        "otpauth",
        "totp",
        "/Rookery%20panel.example:a%2Bb@x.example",
    )
    assert parse_qs(parts.query)["secret"] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
    assert "+" not in parts.query
    assert codes.spoken_seed(RFC_SEED) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"


def test_recovery_codes_are_many_different_and_typed_in_many_ways() -> None:
    made = codes.new_recovery_codes()
    assert len(set(made)) == codes.RECOVERY_CODES
    for code in made:
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
        assert codes.recovery_digest(code) == codes.recovery_digest(f"  {code.upper().replace('-', ' ')} ")
    assert len({codes.recovery_digest(code) for code in made}) == len(made)
