"""Codes of authenticator apps (TOTP, RFC 6238 over HOTP, RFC 4226), and codes for the day the app is lost.

SHA-1, six digits and thirty seconds are what every app understands; RFC 6238 section 1.2 explains why
SHA-1's collisions do not matter here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

DIGITS = 6
STEP_SECONDS = 30
DRIFT_STEPS = 1  # RFC 6238 section 5.2: clocks differ, and people take a while to type
SEED_BYTES = 20  # RFC 4226 section 4, R6: the length of the hash

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10  # 80 bits: too many to try against digests, so a fast digest is right
_GROUP = 4


def new_seed() -> bytes:
    return secrets.token_bytes(SEED_BYTES)


def step_at(seconds: float) -> int:
    """The time step in which `seconds` (since 1970) lie."""
    return int(seconds // STEP_SECONDS)


def code_at(seed: bytes, step: int, *, digits: int = DIGITS) -> str:
    """The code of one time step (RFC 4226 section 5.3)."""
    digest = hmac.digest(seed, struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(seed: bytes, typed: str, *, now: float, last_step: int = -1) -> int | None:
    """The time step whose code was typed, or nothing; only steps after `last_step`, the last one used.

    Every step that may match is compared, so that the time tells nothing.
    """
    word = plain(typed)
    if len(word) != DIGITS or not (word.isascii() and word.isdigit()):
        return None
    found = None
    for step in range(step_at(now) - DRIFT_STEPS, step_at(now) + DRIFT_STEPS + 1):
        if step >= 0 and hmac.compare_digest(code_at(seed, step), word) and step > last_step:
            found = step
    return found


def spoken_seed(seed: bytes) -> str:
    """The seed as people type it into an app: base32 in groups of four."""
    return _grouped(base64.b32encode(seed).decode("ascii").rstrip("="), " ")


def app_address(seed: bytes, *, account: str, issuer: str) -> str:
    """The `otpauth:` address that a QR code carries (Google Authenticator's Key URI Format)."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    query = urlencode(
        {
            "secret": spoken_seed(seed).replace(" ", ""),
            "issuer": issuer,
            "algorithm": "SHA1",
            "digits": DIGITS,
            "period": STEP_SECONDS,
        },
        quote_via=quote,
    )
    return f"otpauth://totp/{label}?{query}"


def new_recovery_codes() -> list[str]:
    """Ten codes such as `k5m2-7qyd-wt3x-hfpa`."""
    return [_new_recovery_code() for _ in range(RECOVERY_CODES)]


def _new_recovery_code() -> str:
    # Base32 has no 0, 1, 8 and 9, which are taken for letters.
    return _grouped(base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode("ascii").lower(), "-")


def plain(typed: str) -> str:
    """A code as people type it, without spaces and hyphens, in lower case."""
    return "".join(typed.split()).replace("-", "").lower()


def recovery_digest(typed: str) -> str:
    """What is kept of a recovery code, however it was typed."""
    return hashlib.sha256(b"recovery code\0" + plain(typed).encode("utf-8", "replace")).hexdigest()


def _grouped(text: str, between: str) -> str:
    return between.join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
