"""The keys that MirageOS unikernels make of a seed: a DKIM record can be known before its signer boots.

A unikernel feeds its seed to Fortuna (mirage-crypto: an AES-256-CTR generator, reseeded once with SHAd-256)
and draws the key from it; the same seed gives the same key at every boot. RSA keys are two primes of half
the bits, each the next prime above random bytes with the two top bits set; e is 65537.

The arithmetic is Python's: its timing tells about the key, 2048 bits take about a second, and 4096 bits
seconds to half a minute, as far as the next prime is. Run it in a worker.
Private parts leave this module only for stand-ins and for people who take their domain elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from dataclasses import dataclass, field
from functools import cache
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tenants.formats.text import FormatError

__all__ = [
    "MAX_SEED",
    "dkim_key_ed25519",
    "dkim_key_rsa",
    "dkim_pem",
    "rsa_private_key",
    "rsa_public_key",
    "seed_bytes",
]

EXPONENT = 65537
MAX_SEED = 1024
"""Characters of a seed that we read; those that Rookery makes have 44."""
_RSA_SIZES = (1024, 2048, 4096)
_BLOCK = 16
_KEY = 32
_MOST_BYTES = 65536
_SIEVE_LIMIT = 20_000
_ROUNDS = 25
"""As many as GMP's own test for primes; a wrong answer has a chance below 2^-50, and mostly far below."""


def dkim_key_rsa(seed: str, bits: int = 2048) -> str:
    """Return `p=` of the DKIM record that a signer with this seed publishes: base64 of the public key.

    `seed` is the signer's argument, base64. Signers of 2023 and `--seed` of 2024 make 2048 bits; newer ones
    4096 unless told otherwise. Raises FormatError for a seed that is not base64.
    """
    return base64.b64encode(rsa_public_key(seed_bytes(seed), bits)).decode("ascii")


def dkim_key_ed25519(seed: str) -> str:
    """Return `p=` of an Ed25519 DKIM record (RFC 8463): base64 of the raw public key. Raises FormatError."""
    private = Ed25519PrivateKey.from_private_bytes(_Fortuna(seed_bytes(seed)).generate(32))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(public).decode("ascii")


def dkim_pem(seed: str, algorithm: str) -> str:
    """Return the private key as PEM (PKCS #8), as every other DKIM signer takes it; `algorithm` is `ed25519`
    or `rsa-2048` and the like. Secret. Raises FormatError for a seed that is not base64."""
    key: Ed25519PrivateKey | RSAPrivateKey
    if algorithm == "ed25519":
        key = Ed25519PrivateKey.from_private_bytes(_Fortuna(seed_bytes(seed)).generate(32))
    else:
        key = rsa_private_key(seed_bytes(seed), int(algorithm.removeprefix("rsa-")))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def rsa_public_key(seed: bytes, bits: int) -> bytes:
    """Return the DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) of the RSA key made of these bytes.

    Arguments that unikernels take as text (`--key-seed`, `--account-key-seed`, `rsa:` SSH keys) are the
    text's own bytes. Raises ValueError for another size than 1024, 2048 or 4096 bits.
    """
    one, other = _primes(seed, bits)
    public = RSAPublicNumbers(EXPONENT, one * other).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def rsa_private_key(seed: bytes, bits: int) -> RSAPrivateKey:
    """Return the private key itself, for stand-ins of those who get the seed. Raises ValueError as above."""
    one, other = _primes(seed, bits)
    private = pow(EXPONENT, -1, math.lcm(one - 1, other - 1))
    return RSAPrivateNumbers(
        one,
        other,
        private,
        private % (one - 1),
        private % (other - 1),
        pow(other, -1, one),
        RSAPublicNumbers(EXPONENT, one * other),
    ).private_key()


def seed_bytes(seed: str) -> bytes:
    """Return the bytes of a base64 seed. Raises FormatError, which never repeats the seed."""
    try:
        if 0 < len(seed) <= MAX_SEED:
            return base64.b64decode(seed.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        pass
    raise FormatError(
        "seed", "The seed is not base64.", "Paste it whole, without blanks, as the signer has it."
    )


@dataclass
class _Fortuna:
    """The generator after one reseed of an empty state."""

    seed: bytes = field(repr=False)
    _secret: bytes = field(init=False, repr=False)
    _counter: int = field(init=False, repr=False, default=1)

    def __post_init__(self) -> None:
        self._secret = hashlib.sha256(hashlib.sha256(bytes(_KEY) + self.seed).digest()).digest()

    def generate(self, size: int) -> bytes:
        """Return the next `size` bytes, at most 65536; the last two blocks become the next secret."""
        if size > _MOST_BYTES:
            raise ValueError("Fortuna changes its secret at least every 65536 bytes")
        blocks = -(-size // _BLOCK) + _KEY // _BLOCK
        counter = modes.CTR(self._counter.to_bytes(_BLOCK, "big"))
        stream = Cipher(algorithms.AES(self._secret), counter).encryptor().update(bytes(_BLOCK * blocks))
        self._secret = stream[-_KEY:]
        self._counter += blocks
        return stream[:size]


def _primes(seed: bytes, bits: int) -> tuple[int, int]:
    if bits not in _RSA_SIZES:
        raise ValueError(f"an RSA key of {bits} bits is not made here")
    random = _Fortuna(seed)
    while True:
        one, other = _prime(random, bits // 2), _prime(random, bits // 2)
        if one != other and all(math.gcd(EXPONENT, prime - 1) == 1 for prime in (one, other)):
            return one, other


def _prime(random: _Fortuna, bits: int) -> int:
    while True:
        drawn = bytearray(random.generate(bits // 8))
        drawn[0] |= 0xC0
        prime = _next_prime(int.from_bytes(drawn, "big"))
        if prime.bit_length() == bits:
            return prime


def _next_prime(above: int) -> int:
    """Return the first prime above a number far larger than the sieve."""
    start = above + 1 | 1
    residues = [(start % small, small) for small in _small_primes()]
    for step in count(0, 2):
        if all((residue + step) % small for residue, small in residues) and _is_prime(start + step):
            return start + step
    raise AssertionError("primes do not end")


@cache
def _small_primes() -> tuple[int, ...]:
    sieve = bytearray([1]) * _SIEVE_LIMIT
    for number in range(2, math.isqrt(_SIEVE_LIMIT) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, _SIEVE_LIMIT, number)))
    return tuple(number for number in range(3, _SIEVE_LIMIT) if sieve[number])


def _is_prime(candidate: int) -> bool:
    """Miller and Rabin's test with the first primes as bases; base 2 alone ends nearly every composite."""
    shift = (candidate - 1 & -(candidate - 1)).bit_length() - 1
    odd = candidate - 1 >> shift
    return all(_passes(candidate, base, odd, shift) for base in (2, *_small_primes()[: _ROUNDS - 1]))


def _passes(candidate: int, base: int, odd: int, shift: int) -> bool:
    power = pow(base, odd, candidate)
    if power in (1, candidate - 1):
        return True
    for _ in range(shift - 1):
        power = power * power % candidate
        if power == candidate - 1:
            return True
    return False
