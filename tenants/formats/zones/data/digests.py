"""Record data that end in bytes written as hex: certificates, fingerprints, digests and unknown types."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import ClassVar

from tenants.formats.zones.data.simple import HEX_BLOCK, NameWriter, hex_blocks

__all__ = ["DNSKEY", "DS", "SSHFP", "TLSA", "Generic"]


@dataclass(frozen=True, slots=True)
class TLSA:
    """A certificate or its digest (RFC 6698); ptt's stack also keeps whole certificates in it.

    `_letsencrypt._tcp.<host>` holds 3 255 0 (a signing request), 3 0 0 (the host's certificate) and 0 0 0
    (the certificates above it).
    """

    type: ClassVar[str] = "TLSA"
    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def order(self) -> tuple[int, int, int, bytes]:
        return self.usage, self.selector, self.matching, self.data

    def text(self, name: NameWriter) -> bytes:
        return b"%d\t%d\t%d\t%s" % (self.usage, self.selector, self.matching, hex_blocks(self.data))


@dataclass(frozen=True, slots=True)
class SSHFP:
    """The fingerprint of a host's SSH key (RFC 4255); `hash` is 1 for SHA-1 and 2 for SHA-256."""

    type: ClassVar[str] = "SSHFP"
    algorithm: int
    hash: int
    fingerprint: bytes

    @property
    def order(self) -> tuple[int, int, bytes]:
        return self.algorithm, self.hash, self.fingerprint

    def text(self, name: NameWriter) -> bytes:
        return b"%d\t%d\t%s" % (self.algorithm, self.hash, hex_blocks(self.fingerprint))


@dataclass(frozen=True, slots=True)
class DS:
    """The digest of a delegated zone's key (RFC 4034 §5)."""

    type: ClassVar[str] = "DS"
    key_tag: int
    algorithm: int
    digest_type: int
    digest: bytes

    @property
    def order(self) -> tuple[int, int, int, bytes]:
        return self.key_tag, self.algorithm, self.digest_type, self.digest

    def text(self, name: NameWriter) -> bytes:
        return b"%d\t%d\t%d\t%s" % (self.key_tag, self.algorithm, self.digest_type, hex_blocks(self.digest))


@dataclass(frozen=True, slots=True)
class DNSKEY:
    """A key. In a `_keys` file it is a TSIG secret (see `keyfile`); the primary cannot publish one.

    `flags` are the three that the primary knows (zone 256, revoke 128, secure entry point 1); `key` is the
    text that stands in the file, which the primary never decodes. Its own writing of one is unreadable:
    a tab too many, and base64 of the base64.
    """

    type: ClassVar[str] = "DNSKEY"
    flags: int
    algorithm: int
    key: bytes

    def __repr__(self) -> str:
        return f"DNSKEY(flags={self.flags}, algorithm={self.algorithm}, key=<hidden>)"

    @property
    def order(self) -> tuple[tuple[int, ...], int, bytes]:
        flags = tuple(rank for rank, bit in enumerate((1, 128, 256)) if self.flags & bit)
        return flags, self.algorithm, self.key

    def text(self, name: NameWriter) -> bytes:
        encoded = base64.b64encode(self.key)
        blocks = [encoded[start : start + HEX_BLOCK] for start in range(0, len(encoded), HEX_BLOCK)]
        if len(encoded) % HEX_BLOCK == 0:
            blocks.append(b"")
        return b"%d\t3\t%d\t%s" % (self.flags, self.algorithm, b" ".join(blocks))


@dataclass(frozen=True, slots=True)
class Generic:
    """Data of a type that the primary does not know, as bytes on the wire (RFC 3597)."""

    number: int
    data: bytes

    @property
    def type(self) -> str:
        return f"TYPE{self.number}"

    @property
    def order(self) -> bytes:
        return self.data

    def text(self, name: NameWriter) -> bytes:
        return b"\\# %d %s" % (len(self.data), hex_blocks(self.data))
