"""DKIM signatures (RFC 6376) as ptt's signer makes them: rsa-sha256, relaxed/relaxed, over few fields."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

__all__ = ["MalformedError", "Signing", "sign"]

DEFAULT_FIELDS = ("from",)
_WIDTH = 72
_BLANKS = re.compile(rb"[ \t]+")


class MalformedError(ValueError):
    """The mail has no header that can be signed; the signer loses such a mail."""


@dataclass(frozen=True)
class Signing:
    """Whose signature: `domain` (d=), `selector` (s=), and the names of the fields that it covers.
    `timestamp` and `expiration` (seconds since 1970) are left out when None."""

    domain: str
    selector: str
    key: RSAPrivateKey = field(repr=False)
    fields: Sequence[str] = DEFAULT_FIELDS
    timestamp: int | None = None
    expiration: int | None = None


def sign(content: bytes, signing: Signing) -> bytes:
    """Return the mail (lines end with CRLF) with a DKIM-Signature on top. Raises MalformedError."""
    header, _, body = content.partition(b"\r\n\r\n")
    fields = _fields(header + b"\r\n")
    covered = list(_covered(fields, signing.fields))
    if not covered:
        raise MalformedError("none of the fields to sign is there")
    digest = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode()
    names = ":".join(name for name, _ in covered)
    tags = [
        "v=1; a=rsa-sha256; c=relaxed/relaxed",
        f"d={signing.domain}; s={signing.selector}; q=dns/txt",
        *([f"t={signing.timestamp}"] if signing.timestamp is not None else []),
        *([f"x={signing.expiration}"] if signing.expiration is not None else []),
        f"h={names}",
        f"bh={digest}",
        "b=",
    ]
    unsigned = f"DKIM-Signature: {(';' + chr(13) + chr(10) + ' ').join(tags)}"
    signed = b"".join(_relaxed(raw) for _, raw in covered) + _relaxed(unsigned.encode())[:-2]
    signature = base64.b64encode(signing.key.sign(signed, PKCS1v15(), SHA256())).decode()
    pieces = [signature[at : at + _WIDTH] for at in range(0, len(signature), _WIDTH)]
    return f"{unsigned}{(chr(13) + chr(10) + ' ').join(pieces)}\r\n".encode() + content


def _fields(header: bytes) -> list[tuple[str, bytes]]:
    """(name in lower case, whole field with its folds and last CRLF), from the top. Raises MalformedError."""
    found: list[tuple[str, bytes]] = []
    for line in header.splitlines(keepends=True):
        if line[:1] in (b" ", b"\t") and found:
            found[-1] = (found[-1][0], found[-1][1] + line)
            continue
        name, colon, _ = line.partition(b":")
        if not colon or not name.strip() or not name.strip().isascii():
            raise MalformedError("a line of the header is no field")
        found.append((name.strip().decode().lower(), line))
    return found


def _covered(fields: list[tuple[str, bytes]], wanted: Iterable[str]) -> Iterable[tuple[str, bytes]]:
    """Each wanted field that is there, the lowest of a name first (RFC 6376 §5.4.2)."""
    left = list(fields)
    for name in wanted:
        at = next((n for n in range(len(left) - 1, -1, -1) if left[n][0] == name.lower()), None)
        if at is not None:
            yield left.pop(at)


def _relaxed(raw: bytes) -> bytes:
    """A field in relaxed form (§3.4.2)."""
    name, _, value = raw.partition(b":")
    unfolded = value.replace(b"\r\n", b"")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", unfolded).strip(b" ") + b"\r\n"


def _relaxed_body(body: bytes) -> bytes:
    """The body in relaxed form (§3.4.4)."""
    lines = [_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)
