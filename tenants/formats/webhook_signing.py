"""Signatures, secrets and patience of webhooks, as Standard Webhooks 1.0.0 has them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta

PREFIX = "whsec_"
_BYTES = 32
"""Of a secret; the specification asks for 24 to 64."""

# The example of the specification: ten tries within 75 hours and 35 minutes.
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MOST_TRIES = len(RETRY_AFTER) + 1
_LONGEST_HOLD = timedelta(minutes=5)
_LONGEST_RETRY_AFTER = timedelta(hours=1)


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def new_delivery_id() -> str:
    """It stays the same however often a delivery is tried: receivers know it again."""
    return f"msg_{secrets.token_hex(16)}"


def signature(secret: str, delivery_id: str, timestamp: int, body: str) -> str:
    """One signature: HMAC-SHA256 of "id.timestamp.body". Raises ValueError for what is no secret."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    signed = hmac.digest(key, f"{delivery_id}.{timestamp}.{body}".encode(), hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def headers(delivery_id: str, timestamp: int, body: str, secrets_in_use: Iterable[str]) -> dict[str, str]:
    """The headers that let a receiver verify a delivery, signed with each secret in use."""
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            signature(secret, delivery_id, timestamp, body) for secret in secrets_in_use
        ),
    }


def delay_after(tries: int, jitter: float) -> timedelta | None:
    """How long to wait after the n-th try failed (n ≥ 1), None after the last one. `jitter`, from 0 to 1,
    keeps what failed together from coming back together: up to a fifth more."""
    return RETRY_AFTER[tries - 1] * (1 + jitter / 5) if tries < MOST_TRIES else None


def hold_after(failures: int, jitter: float) -> timedelta:
    """How long an endpoint that failed so often in a row is left alone. Until the third time it may be one
    delivery that it does not like."""
    if failures < 3:
        return timedelta(0)
    step: timedelta = timedelta(seconds=5) * (1 << min(failures - 3, 10))
    return min(step, _LONGEST_HOLD) * (1 + jitter / 5)


def asked_delay(retry_after: str) -> timedelta:
    """What a header Retry-After asks for in seconds, at most an hour; nothing where it says no number."""
    if not (retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 9):
        return timedelta(0)
    return min(timedelta(seconds=int(retry_after)), _LONGEST_RETRY_AFTER)
