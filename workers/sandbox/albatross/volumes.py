"""Block volumes, in memory; what was never written is zeros and takes no room."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from workers.albatross.names import Name
from workers.albatross.values import Buffer
from workers.sandbox.albatross.refusal import Refusal

MEGABYTE = 1 << 20
MOST_MEGABYTES = 1 << 24
_PIECE = 4096


@dataclass(slots=True)
class Volume:
    """Its size in MB, and what was written at its beginning."""

    size: int
    contents: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def bytes(self) -> int:
        return self.size * MEGABYTE


class Writer:
    """Overwrites a volume with a stream; what came before a failure stays."""

    def __init__(self, volume: Volume, *, compressed: bool) -> None:
        volume.contents = bytearray()
        self._volume = volume
        self._stream = zlib.decompressobj() if compressed else None

    def write(self, chunk: Buffer) -> None:
        """The next bytes. Raises Refusal."""
        room = self._volume.bytes - len(self._volume.contents)
        if self._stream is not None:
            try:
                chunk = self._stream.decompress(chunk, room + 1)
            except zlib.error:
                raise Refusal("error while reading stream") from None
        self._volume.contents += chunk[:room]
        if len(chunk) > room:
            raise Refusal("stream exceeds size")

    def finish(self) -> None:
        """The stream ended. Raises Refusal when it should not have."""
        if self._stream is not None and not self._stream.eof:
            raise Refusal("error while reading stream")


class Volumes:
    """The volumes of a host, by name."""

    def __init__(self) -> None:
        self.by_name: dict[Name, Volume] = {}

    def sizes(self) -> dict[Name, int]:
        return {name: volume.size for name, volume in self.by_name.items()}

    def check_size(self, size: int) -> None:
        if not 0 < size <= MOST_MEGABYTES:
            raise Refusal("overflow while computing bytes")

    def add(self, name: Name, size: int) -> Volume:
        """Make one. Raises Refusal."""
        if name in self.by_name:
            raise Refusal("block device with same name already exists")
        volume = self.by_name[name] = Volume(size)
        return volume


def dump(volume: Volume, level: int) -> Iterator[bytes]:
    """All of a volume in pieces; at a level other than 0, of one zlib stream."""
    stream = zlib.compressobj(level) if level else None
    for at in range(0, volume.bytes, _PIECE):
        piece = bytes(volume.contents[at : at + _PIECE]).ljust(_PIECE, b"\x00")
        if stream is not None:
            piece = stream.compress(piece)
        if piece:
            yield piece
    if stream is not None:
        yield stream.flush()
