"""Mailbox passphrases: the fingerprint that ptt stores, how strong a passphrase is, and good new ones.

ptt keeps BLAKE2b-512 of the passphrase, unkeyed, unsalted and computed once, so whoever reads relay.git
can try very many guesses a second: only length helps. Functions here never log or keep what they get.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from functools import lru_cache
from pathlib import Path

from tenants.formats.relay_entry import NO_LOGIN
from tenants.formats.strength import Strength, estimate
from tenants.formats.text import FormatError, require_text

HASH_DIGITS = 128
MAX_PASSPHRASE = 256
_HASH = re.compile(r"[0-9a-f]{128}")
_WORDS_FILE = Path(__file__).resolve().parents[2] / "static" / "passphrase-words.txt"
_COMMON_FILE = Path(__file__).resolve().parent / "common_passwords.txt"
_COMMON_ENDINGS = ("", "1", "123", "!", "1!")


def hash_passphrase(text: str) -> str:
    """Return BLAKE2b-512 (RFC 7693) of the UTF-8 bytes as 128 lower-case hex digits, as ptt stores it."""
    return hashlib.blake2b(text.encode("utf-8")).hexdigest()


def check_passphrase(value: object, *, field: str = "passphrase") -> str:
    """Return a passphrase that a mail program can send and that is not easily guessed, unchanged.

    Raises FormatError for control characters, outer spaces, more than MAX_PASSPHRASE characters, and
    for a weak one. The error never repeats any of it.
    """
    text = require_text(value, field=field)
    if not text:
        raise FormatError(field, "The passphrase is empty.", "Type one, or let us make one for you.")
    if len(text) > MAX_PASSPHRASE:
        raise FormatError(
            field, f"The passphrase is longer than {MAX_PASSPHRASE} characters.", "Choose a shorter one."
        )
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in text):
        raise FormatError(field, "The passphrase contains a control character or a line break.", "Remove it.")
    if text != text.strip():
        raise FormatError(
            field, "The passphrase begins or ends with a space, which mail programs drop.", "Remove it."
        )
    rated = strength(text)
    if rated.verdict == "weak":
        raise FormatError(field, rated.sentence, "Use the passphrase that is offered, or a longer one.")
    return text


def check_hash(value: object, *, field: str = "password_hash") -> str:
    """Return a BLAKE2b-512 fingerprint as 128 lower-case hex digits.

    Raises FormatError for another length, other characters, all zeros (nobody can log in with it), the
    fingerprint of nothing, and fingerprints of common passwords. The error never repeats any of it.
    """
    text = require_text(value, field=field).strip(" \t\r\n").lower()
    again = "Make it again with the command shown, and paste all of it."
    wrong = sum(1 for character in text[: 4 * HASH_DIGITS] if character not in "0123456789abcdef")
    if wrong:
        raise FormatError(
            field, f"The fingerprint contains {wrong} characters that are no hex digits (0-9, a-f).", again
        )
    if len(text) != HASH_DIGITS:
        known = {64: " That is the length of BLAKE2b-256 or SHA-256.", 32: " That is the length of MD5."}
        raise FormatError(
            field,
            f"The fingerprint has {len(text)} hex digits and needs exactly {HASH_DIGITS}."
            + known.get(len(text), ""),
            again,
        )
    if text == NO_LOGIN:
        raise FormatError(
            field, "A fingerprint of zeros fits no passphrase.", "To forbid logging in, use that switch."
        )
    if is_common_hash(text):
        raise FormatError(
            field,
            "This is the fingerprint of a commonly used password, which anybody can look up.",
            "Choose another passphrase.",
        )
    return text


def is_common_hash(value: str) -> bool:
    """Whether a fingerprint (128 lower-case hex digits) is that of a password in the shipped list,
    plain, capitalised or with a usual ending, or of the empty password."""
    return _HASH.fullmatch(value) is not None and _short(bytes.fromhex(value[:16])) in _common_digests()


def generate(words: int = 6) -> str:
    """Return a new passphrase: `words` different words of the shipped list, joined by hyphens.

    Each of the list's 2,048 or more words adds at least 11 bits. The rare draw that happens to hold a
    pattern (a word that ends like the one before it) and would be guessed sooner is drawn again. Raises
    ValueError under 5 words.
    """
    if words < 5:
        message = "a passphrase needs at least 5 words"
        raise ValueError(message)
    promised = words * math.log2(len(word_list()))
    while True:
        drawn = "-".join(secrets.SystemRandom().sample(word_list(), words))
        if strength(drawn).bits >= promised:
            return drawn


@lru_cache(maxsize=1)
def word_list() -> tuple[str, ...]:
    """The words that passphrases are made of; the browser uses the same file."""
    return tuple(_WORDS_FILE.read_text(encoding="ascii").split())


@lru_cache(maxsize=1)
def common_passwords() -> tuple[str, ...]:
    """The shipped list of common passwords, most common first."""
    return tuple(_COMMON_FILE.read_text(encoding="ascii").split())


def strength(text: str) -> Strength:
    """Return how many guesses an attacker who knows our word list would need, in bits, and a verdict."""
    return estimate(text, words=_ranked_words(), common=_ranked_common())


def shell_line() -> str:
    """Return a line for a POSIX shell that asks for a passphrase without showing it and prints its
    fingerprint: no newline is hashed, and the passphrase appears in no process list or history."""
    return (
        "(trap 'stty echo' EXIT INT TERM; stty -echo; printf 'Passphrase: ' >&2; IFS= read -r p;"
        " printf '\\n' >&2; printf %s \"$p\" | b2sum | cut -d' ' -f1)"
    )


@lru_cache(maxsize=1)
def _common_digests() -> frozenset[int]:
    """The first 64 bits of each digest: a twentieth of the memory, and no chance of a false hit."""
    digests = {_short(hashlib.blake2b(b"").digest())}
    for password in common_passwords():
        for form in {password, password.capitalize()}:
            digests.update(
                _short(hashlib.blake2b((form + ending).encode()).digest()) for ending in _COMMON_ENDINGS
            )
    return frozenset(digests)


def _short(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big")


@lru_cache(maxsize=1)
def _ranked_words() -> dict[str, int]:
    return dict.fromkeys(word_list(), len(word_list()))


@lru_cache(maxsize=1)
def _ranked_common() -> dict[str, int]:
    ranks: dict[str, int] = {}
    for rank, password in enumerate(common_passwords(), start=1):
        ranks.setdefault(password.lower(), rank)
    return ranks
