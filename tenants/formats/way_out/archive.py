"""Files → one compressed archive, sealed to a key that nobody but one person has.

The sealing is libsodium's sealed box (X25519, XSalsa20-Poly1305, anonymous sender), as for every secret: what
is stored can be opened with the private key only, and that is never stored.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from tenants.formats.text import FormatError

MOST_BYTES = 64 * 1024 * 1024
"""Of an archive; ten thousand addresses take one."""
_KEY_BYTES = 32


@dataclass(frozen=True)
class OneTimeKey:
    """`public` is kept, `private` (43 characters) is told once."""

    public: bytes
    private: str = field(repr=False)


def new_key() -> OneTimeKey:
    private = PrivateKey.generate()
    return OneTimeKey(
        bytes(private.public_key), base64.urlsafe_b64encode(bytes(private)).decode().rstrip("=")
    )


def packed(files: Mapping[str, bytes], folder: str, made_at: datetime) -> bytes:
    """Return a tar.gz of the files below `folder`, readable by its owner alone; the same files give the same
    bytes. Raises FormatError beyond MOST_BYTES."""
    when = int(made_at.timestamp())
    kept = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=kept, mode="wb", mtime=when) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size, entry.mtime = len(content), when
            entry.mode = 0o700 if path.endswith(".sh") else 0o600
            tar.addfile(entry, io.BytesIO(content))
    if kept.tell() > MOST_BYTES:
        raise FormatError(
            "export", "The export is too large.", "Ask an operator to take it from the database."
        )
    return kept.getvalue()


def sealed(archive: bytes, public_key: bytes) -> bytes:
    return SealedBox(PublicKey(public_key)).encrypt(archive)


def opened(box: bytes, private_key: str, *, field: str = "key") -> bytes:
    """Raises FormatError, which never repeats the key, for one that does not open the box."""
    text = "".join(private_key.split())
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if len(raw) == _KEY_BYTES:
            return SealedBox(PrivateKey(raw)).decrypt(box)
    except (UnicodeEncodeError, binascii.Error, CryptoError):
        pass
    raise FormatError(
        field,
        "This key does not open the export.",
        "Paste the whole key that was shown when the export was asked for; without it, ask for a new export.",
    )
