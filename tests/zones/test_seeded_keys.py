"""Keys from seeds, against keys that mirage-crypto made of the same seeds."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.text import FormatError
from tenants.formats.zones.seeded_keys import (
    _Fortuna,
    _is_prime,
    _next_prime,
    dkim_key_ed25519,
    dkim_key_rsa,
    rsa_public_key,
    seed_bytes,
)

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors" / "keys-from-seeds.json"
KEYS: list[dict[str, str]] = json.loads(VECTORS.read_text(encoding="utf-8"))["keys"]


@pytest.mark.parametrize("known", KEYS, ids=range(len(KEYS)))
def test_a_seed_gives_the_signers_keys(known: dict[str, str]) -> None:
    assert dkim_key_rsa(known["seed"]) == known["dkim_p22_p23_p24_rsa2048"]
    assert dkim_key_ed25519(known["seed"]) == known["ed25519_public_of_fortuna32"]


def test_every_recorded_seed_is_tried() -> None:
    assert len(KEYS) == 6


def test_a_seed_taken_as_text_gives_the_recorded_key() -> None:
    der = rsa_public_key(KEYS[0]["seed"].encode(), 4096)
    assert base64.b64encode(der).decode() == KEYS[0]["text_seed_rsa4096"]


def test_the_next_prime_skips_composites() -> None:
    # Numbers above the sieve, so that small primes are not mistaken for their own multiples.
    assert _next_prime(1_000_003) == 1_000_033
    assert _next_prime(2**127 - 2) == 2**127 - 1


@pytest.mark.parametrize(
    ("number", "prime"),
    [
        (1_000_003, True),
        (2**521 - 1, True),
        (2**521 + 1, False),
        (3_215_031_751, False),  # a strong pseudoprime to the bases 2, 3, 5 and 7
        (3_825_123_056_546_413_051, False),  # and one to all primes up to 23
        ((2**127 - 1) * (2**89 - 1), False),
    ],
)
def test_primes_are_told_from_composites(number: int, prime: bool) -> None:
    assert _is_prime(number) is prime


@given(st.binary(min_size=1, max_size=64), st.lists(st.integers(0, 200), max_size=5))
def test_the_generator_repeats_itself_and_never_its_output(seed: bytes, sizes: list[int]) -> None:
    one, other = _Fortuna(seed), _Fortuna(seed)
    drawn = [one.generate(size) for size in sizes]
    assert drawn == [other.generate(size) for size in sizes]
    assert [len(part) for part in drawn] == sizes
    long = [part for part in drawn if len(part) >= 16]
    assert len(set(long)) == len(long)


def test_the_generator_refuses_what_it_would_cut_in_pieces() -> None:
    with pytest.raises(ValueError, match="65536"):
        _Fortuna(b"x").generate(65537)


@pytest.mark.parametrize("seed", ["", "not base64!", "abc", "QUJD\n", "QU JD", "ünicode", "A" * 1028])
def test_seeds_that_are_no_base64_are_refused_and_not_repeated(seed: str) -> None:
    with pytest.raises(FormatError) as caught:
        seed_bytes(seed)
    assert caught.value.field == "seed"
    assert not seed or seed not in str(caught.value)


def test_other_sizes_are_not_made() -> None:
    with pytest.raises(ValueError, match="3000"):
        rsa_public_key(b"x", 3000)


def test_the_secret_is_not_shown() -> None:
    assert repr(_Fortuna(b"seed")) == "_Fortuna()"
