"""The text of DKIM records (RFC 6376 §3.6.1): as ptt's signer publishes it, and what any of them says."""

from __future__ import annotations

__all__ = ["dkim_text", "published_key"]


def dkim_text(public_key: str, kind: str = "rsa") -> bytes:
    """Return the TXT data that a signer of 2023 publishes, in its order and with its last semicolon.

    `public_key` is base64, as `seeded_keys` predicts it.
    """
    return f"h=sha256; v=DKIM1; p={public_key}; k={kind};".encode()


def published_key(text: bytes) -> str | None:
    """Return what a DKIM record has after `p=`, without blanks (RFC 6376 §3.2), or None. Empty: revoked."""
    for tag in text.decode("latin-1").split(";"):
        name, equals, value = tag.partition("=")
        if equals and name.strip() == "p":
            return "".join(value.split())
    return None
