"""The text of DKIM records (RFC 6376 §3.6.1): as ptt's signer publishes it, and what any of them says."""

from __future__ import annotations

from tenants.formats.text import FormatError
from tenants.formats.zones.primary.dialect import OLD
from tenants.formats.zones.primary.errors import UnreadableError
from tenants.formats.zones.primary.reader import read_records

__all__ = ["check_zone_keeps", "dkim_text", "published_key"]


def check_zone_keeps(selector: str, *, field: str) -> None:
    """Raise FormatError for a selector whose record loses its zone to a primary of 2022.

    That one writes the signer's record into the zone's file, and when it reads the file again it takes some
    labels (`s`, `ds`, `type1`, `10m`) for words of its own and refuses the whole zone.
    """
    line = f'$ORIGIN example.\n{selector}._domainkey\t3600\tTXT\t"v=DKIM1"\n'
    try:
        read_records(line.encode(), OLD)
    except UnreadableError as error:
        raise FormatError(
            field,
            f"A primary of 2022 cannot read “{selector}” in its own file: it would serve the zone no more.",
            "Choose another, such as s1.",
        ) from error


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
