"""TSIG keys as this package signs with them, and as people and programs write them (RFC 8945)."""

from __future__ import annotations

import base64
import binascii

import dns.name
import dns.tsig

from tenants.formats.zones.keyfile import ALGORITHMS, TsigKey
from tenants.formats.zones.names import Name
from workers.zone.errors import NotSendable

__all__ = ["TsigKey", "dig_argument", "key_of", "parse_key", "signer"]

_NAMES = {name: getattr(dns.tsig, f"HMAC_{name}") for name in ALGORITHMS.values()}
_MOST_TEXT = 2000
_MOST_NAME = 255


class Signer(dns.tsig.Key):
    """dnspython's key, whose own repr would show the secret."""

    def __repr__(self) -> str:
        return f"<TSIG key {self.name}>"


def key_of(name: str, algorithm: str, secret: str) -> TsigKey:
    """Return a key from its three pieces: its full name (last dot or not), SHA1, SHA224, SHA256, SHA384 or
    SHA512 (`hmac-sha256` and any case too), and the secret in base64.

    Raises NotSendable; the message never holds the secret.
    """
    kind = algorithm.strip().upper().removeprefix("HMAC-").replace("-", "").removesuffix(".")
    try:
        owner = Name.of(name.strip()) if len(name) <= _MOST_NAME else None
    except (ValueError, UnicodeError):
        owner = None
    if owner is None or not owner.labels:
        raise NotSendable("The key's name is no domain name.", "Write it like rookery._update.example.org.")
    if kind not in _NAMES:
        raise NotSendable("The key's algorithm is not known.", f"Use one of {', '.join(sorted(_NAMES))}.")
    key = TsigKey(owner, kind, secret.strip())
    signer(key)
    return key


def parse_key(text: str) -> TsigKey:
    """Return the key that `text` is: `name:SHA256:secret` as unikernels take it, or `hmac-sha256:name:secret`
    as dig and nsupdate do. Raises NotSendable; the message never holds the secret."""
    pieces = text.strip().split(":")
    if len(text) > _MOST_TEXT or len(pieces) != 3:
        raise NotSendable(
            "This is no key: one has three pieces, with colons between.",
            "Write it like name:SHA256:secret.",
        )
    name, algorithm, secret = pieces
    if name.lower().startswith("hmac-") and "." not in name:
        name, algorithm = algorithm, name
    return key_of(name, algorithm, secret)


def dig_argument(key: TsigKey) -> str:
    """Return what follows `-y` of dig and nsupdate. A secret."""
    return f"hmac-{key.algorithm.lower()}:{str(key.name).removesuffix('.')}:{key.secret}"


def signer(key: TsigKey) -> dns.tsig.Key:
    """Return the key as dnspython signs with it. Raises NotSendable when its secret is no base64."""
    try:
        secret = base64.b64decode(key.secret.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        secret = b""
    if not secret:
        raise NotSendable("The key's secret is no base64 text.", "Copy it again, without blanks.")
    return Signer(dns.name.Name((*key.name.labels, b"")), secret, _NAMES[key.algorithm])
