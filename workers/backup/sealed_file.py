"""A file that tells what it is in its first two lines and holds the rest as one authenticated stream.

    rookery backup 1
    {"made_at": …, "version": …, "seal": {…}}
    24 bytes, then pieces of 1 MiB + 17 bytes, the last one shorter

The stream is libsodium's secretstream (XChaCha20-Poly1305): pieces cannot be changed, moved, left out or cut
off at the end. Both lines are authenticated with the first piece.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import IO, Any, Protocol

from nacl import bindings as sodium
from nacl.exceptions import CryptoError
from nacl.utils import random

from workers.backup.seals import Opens, Refused, SealsTo

FORMAT = b"rookery backup 1\n"
PIECE = 1 << 20
_MOST_HEADER = 1 << 14
_OVERHEAD = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
_START = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
_MIDDLE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_LAST = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_DAMAGED = "It is damaged or was cut off; nothing of it was used. Take another copy, or an earlier backup."


class Sink(Protocol):
    def write(self, data: bytes, /) -> int: ...


class SealedWriter:
    """Write with `write`, then `finish`: without that, nobody takes the file for a whole one."""

    def __init__(self, file: Sink, key: bytes, *, about: bytes = b"") -> None:
        """`about` is authenticated with the stream and not part of it."""
        self._file = file
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        self._about: bytes | None = about or None
        self._waiting = bytearray()
        file.write(sodium.crypto_secretstream_xchacha20poly1305_init_push(self._state, key))

    def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > PIECE:
            self._push(bytes(self._waiting[:PIECE]), _MIDDLE)
            del self._waiting[:PIECE]

    def finish(self) -> None:
        self._push(bytes(self._waiting), _LAST)
        self._waiting.clear()

    def _push(self, piece: bytes, tag: int) -> None:
        sealed = sodium.crypto_secretstream_xchacha20poly1305_push(self._state, piece, self._about, tag)
        self._about = None
        self._file.write(sealed)


def opened(file: IO[bytes], key: bytes, *, about: bytes = b"") -> Iterator[bytes]:
    """The pieces of a stream, each as soon as it was authenticated; raises Refused at the first wrong one.

    Only when the iterator ends was everything there.
    """
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    associated: bytes | None = about or None
    start = file.read(_START)
    if len(start) != _START:
        raise Refused(_DAMAGED)
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, start, key)
    tag = _MIDDLE
    while tag != _LAST:
        sealed = file.read(PIECE + _OVERHEAD)
        if len(sealed) < _OVERHEAD:
            raise Refused(_DAMAGED)
        try:
            piece, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(state, sealed, associated)
        except (CryptoError, RuntimeError) as error:
            raise Refused(_DAMAGED) from error
        associated = None
        yield piece
    if file.read(1):
        raise Refused(_DAMAGED)


def sealed_length(length: int) -> int:
    """How many bytes the stream of so many has."""
    pieces = max(1, -(-length // PIECE))
    return _START + length + pieces * _OVERHEAD


def begin(file: Sink, seal: SealsTo, header: Mapping[str, Any]) -> SealedWriter:
    """Write the first lines, with a fresh key sealed in them."""
    key = random(sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES)
    line = json.dumps({**header, "seal": seal.wrap(key)}).encode() + b"\n"
    file.write(FORMAT + line)
    return SealedWriter(file, key, about=_digest(line))


def read_header(file: IO[bytes]) -> dict[str, Any]:
    """What the first lines say, which nobody has authenticated yet; raises Refused."""
    return _read_header(file)[0]


def open_backup(file: IO[bytes], opens: Opens) -> tuple[dict[str, Any], Iterator[bytes]]:
    """The header, and the pieces of the stream; raises Refused, also while the pieces are read."""
    header, line = _read_header(file)
    key = opens.unwrap(header["seal"])
    return header, opened(file, key, about=_digest(line))


def _read_header(file: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    first = file.readline(len(FORMAT) + 8)
    if first != FORMAT:
        later = first.startswith(b"rookery backup ")
        raise Refused(
            "This backup is of a newer Rookery. Restore it with that one."
            if later
            else "This is no backup of Rookery."
        )
    line = file.readline(_MOST_HEADER)
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or not isinstance(header.get("seal"), dict):
        raise Refused(_DAMAGED)
    return header, line


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(FORMAT + line, digest_size=32).digest()
