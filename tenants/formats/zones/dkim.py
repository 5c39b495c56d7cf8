"""The DKIM key that a signer makes of its seed, so that it can be published before the signer ever ran.

Signers of ptt are given a seed, not a key: Fortuna (Ferguson, Schneier and Kohno, *Cryptography Engineering*,
chapter 9) with AES-256 in counter mode, seeded once, as mirage-crypto has it, yields the two primes of an RSA
key or the 32 bytes of an Ed25519 key. Private values never leave this module. Published seeds are known to
differ from those in use: compare with the record that the signer publishes.
"""

from __future__ import annotations

import base64
import hashlib
from math import gcd, isqrt

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

__all__ = ["dkim_public_key", "dkim_text", "published_key"]

RSA_SIZES = (1024, 2048, 4096)
EXPONENT = 65537
_BLOCK = 16


def dkim_public_key(seed: bytes, bits: int | None) -> str:
    """Return the public key that a seed gives, in base64 as a DKIM record has it after `p=`.

    RSA of `bits` as a SubjectPublicKeyInfo (RFC 6376 §3.6.1), or Ed25519 when `bits` is None, as the raw 32
    bytes (RFC 8463). `seed` are the bytes behind the base64 that the signer was started with. Takes about a
    second for 2048 bits, ten times that for 4096. Raises ValueError for other sizes and an empty seed.
    """
    if not seed:
        raise ValueError("the seed is empty")
    random = _Fortuna(seed)
    if bits is None:
        private = Ed25519PrivateKey.from_private_bytes(random.generate(32))
        raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()
    if bits not in RSA_SIZES:
        raise ValueError(f"{bits} is not one of {RSA_SIZES}")
    public = RSAPublicNumbers(EXPONENT, _modulus(random, bits)).public_key()
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(encoded).decode()


def dkim_text(public_key: str, kind: str = "rsa") -> bytes:
    """Return the TXT data that a signer of 2023 publishes, in its order and with its last semicolon."""
    return f"h=sha256; v=DKIM1; p={public_key}; k={kind};".encode()


def published_key(text: bytes) -> str | None:
    """Return what a DKIM record has after `p=`, without blanks (RFC 6376 §3.2), or None. Empty: revoked."""
    for tag in text.decode("latin-1").split(";"):
        name, equals, value = tag.partition("=")
        if equals and name.strip() == "p":
            return "".join(value.split())
    return None


class _Fortuna:
    """The generator, reseeded once: the same bytes for the same seed."""

    def __init__(self, seed: bytes) -> None:
        self._key = hashlib.sha256(hashlib.sha256(bytes(32) + seed).digest()).digest()
        self._counter = 1

    def generate(self, count: int) -> bytes:
        blocks = -(-count // _BLOCK) + 2  # two more become the next key
        counter = self._counter.to_bytes(_BLOCK, "big")
        stream = (
            Cipher(algorithms.AES(self._key), modes.CTR(counter)).encryptor().update(bytes(_BLOCK * blocks))
        )
        self._key = stream[-32:]
        self._counter += blocks
        return stream[:count]


def _modulus(random: _Fortuna, bits: int) -> int:
    while True:
        first, second = _prime(random, bits // 2), _prime(random, bits // 2)
        if first != second and gcd(EXPONENT, first - 1) == gcd(EXPONENT, second - 1) == 1:
            return first * second


def _prime(random: _Fortuna, bits: int) -> int:
    """Return the first prime above random bytes whose two highest bits are set."""
    while True:
        start = bytearray(random.generate(bits // 8))
        start[0] |= 0xC0
        prime = _next_prime(int.from_bytes(start, "big"))
        if prime.bit_length() <= bits:
            return prime


def _next_prime(above: int) -> int:
    candidate = above + 1 | 1
    remainders = [candidate % prime for prime in _SMALL_PRIMES]
    offset = 0
    while True:
        small = zip(remainders, _SMALL_PRIMES, strict=True)
        if all((remainder + offset) % prime for remainder, prime in small) and _is_prime(candidate + offset):
            return candidate + offset
        offset += 2


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test with fixed bases: the numbers are random, nobody chose them to deceive it."""
    power = (number - 1 & 1 - number).bit_length() - 1
    odd = number - 1 >> power
    return all(_passes(number, base, odd, power) for base in _SMALL_PRIMES[:12])


def _passes(number: int, base: int, odd: int, power: int) -> bool:
    value = pow(base, odd, number)
    if value in (1, number - 1):
        return True
    for _ in range(power - 1):
        value = value * value % number
        if value == number - 1:
            return True
    return False


def _primes_below(limit: int) -> tuple[int, ...]:
    sieve = bytearray([1]) * limit
    sieve[:2] = b"\0\0"
    for number in range(2, isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(sieve[number * number :: number]))
    return tuple(number for number, prime in enumerate(sieve) if prime)


_SMALL_PRIMES = _primes_below(8000)[1:]
