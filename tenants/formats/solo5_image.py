"""Unikernel images for Solo5: for which tender, with which devices (Solo5 0.12: `elf_abi.h`, `mft_abi.h`).

An image is an ELF file with two notes of the owner `Solo5`: the ABI (for which tender) and the manifest (its
network and block devices). Albatross starts it only with exactly the devices that its manifest lists.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from mmap import mmap
from typing import Literal

from tenants.formats.elf_notes import Note, bad, cut_off, read_notes
from tenants.formats.text import printable

MOST_IMAGE = 128 << 20
"""Bytes of an image, uncompressed. Those of the mail stack have some 10 MB."""
ALBATROSS_TARGETS = ("hvt", "spt")
"""What albatross can run."""
_OWNER = b"Solo5\x00"
_ABI, _MANIFEST = 0x31494241, 0x3154464D
_TARGETS = {1: "hvt", 2: "spt", 3: "virtio", 4: "muen", 5: "genode", 6: "xen"}
_ENTRY = 104
_MOST_ENTRIES = 64
_LONGEST_NOTE = 12 + _ENTRY * _MOST_ENTRIES
_NAME_SIZE = 68
_NAME = re.compile(rb"[A-Za-z0-9]{1,67}")
_RESERVED_FIRST = 0x40000000

DeviceKind = Literal["block", "network"]
_KINDS: dict[int, DeviceKind] = {1: "block", 2: "network"}


@dataclass(frozen=True, slots=True)
class ManifestDevice:
    """A device that the image needs."""

    name: str
    kind: DeviceKind


@dataclass(frozen=True, slots=True)
class Solo5Image:
    """What an image says about itself. `machine` is `x86_64`, `aarch64` or the ELF number of another one."""

    target: str
    abi_version: int
    machine: str
    devices: tuple[ManifestDevice, ...]

    @property
    def runs_on_albatross(self) -> bool:
        return self.target in ALBATROSS_TARGETS

    @property
    def tender(self) -> str:
        """The program that a host needs for it: `solo5-hvt.2`."""
        return f"solo5-{self.target}.{self.abi_version}"

    def names(self, kind: DeviceKind) -> frozenset[str]:
        """The names of its devices of one kind."""
        return frozenset(device.name for device in self.devices if device.kind == kind)


def read_image(image: bytes | bytearray | memoryview | mmap) -> Solo5Image:
    """Read the notes of an uncompressed image without copying it.

    Raises FormatError (field `image`) for what is no ELF file, is cut off, has no or two different notes, or
    a manifest that no tender accepts.
    """
    view = memoryview(image).cast("B")
    if len(view) > MOST_IMAGE:
        raise _too_big(MOST_IMAGE)
    machine, notes = read_notes(view, _OWNER, most=_LONGEST_NOTE)
    target, version = _read_abi(_only(notes, _ABI, "ABI"))
    return Solo5Image(target, version, machine, _read_manifest(_only(notes, _MANIFEST, "manifest")))


def is_compressed(head: bytes) -> bool:
    """Whether bytes begin like a zlib stream (RFC 1950), the form in which albatross takes images."""
    return len(head) >= 2 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and (head[0] << 8 | head[1]) % 31 == 0


def inflate(chunks: Iterable[bytes], *, at_most: int = MOST_IMAGE) -> bytearray:
    """Unpack a zlib stream that holds an image, never to more than `at_most` bytes.

    Raises FormatError (field `image`) for one that is damaged, cut off, too big or not the only thing there.
    """
    stream, image = zlib.decompressobj(), bytearray()
    for chunk in chunks:
        if stream.eof and chunk:
            break
        try:
            image += stream.decompress(chunk, at_most + 1 - len(image))
        except zlib.error:
            raise bad("The image's compression is damaged.", "Upload it again.") from None
        if len(image) > at_most:
            raise _too_big(at_most)
    else:
        if not stream.eof:
            raise cut_off()
        if not stream.unused_data:
            return image
    raise bad("Something follows the compressed image.", "Upload one image only.")


def device_problems(image: Solo5Image, *, networks: Iterable[str], blocks: Iterable[str]) -> list[str]:
    """What is missing or too much, as sentences; none when albatross would start it."""
    problems = []
    given: dict[DeviceKind, frozenset[str]] = {"network": frozenset(networks), "block": frozenset(blocks)}
    for kind, names in given.items():
        wanted = image.names(kind)
        problems += [f"The image needs the {kind} device {name}." for name in sorted(wanted - names)]
        problems += [
            f"The image has no {kind} device {printable(name, 80)}." for name in sorted(names - wanted)
        ]
    return problems


def _too_big(limit: int) -> Exception:
    return bad(f"The image is bigger than {limit >> 20} MiB.", "Upload a smaller one.")


def _only(notes: Iterable[Note], kind: int, what: str) -> bytes:
    found = [note.description for note in notes if note.kind == kind]
    if not found:
        raise bad(f"The image has no Solo5 {what} note: it is no unikernel.", "Upload a .hvt or .spt file.")
    if len(found) > 1:
        raise bad(f"The image has two different Solo5 {what} notes.", "Build it anew.")
    return found[0]


def _read_abi(note: bytes) -> tuple[str, int]:
    if len(note) != 16:
        raise bad("The image's ABI note has the wrong size.", "Build it with a current Solo5.")
    number, version = struct.unpack_from("<II", note)
    if number not in _TARGETS:
        raise bad(f"The image is for the unknown Solo5 target {number}.", "Build it for hvt or spt.")
    return _TARGETS[number], version


def _read_manifest(note: bytes) -> tuple[ManifestDevice, ...]:
    """The devices. Four bytes of padding, version, number of entries, then the entries."""
    if len(note) < 12:
        raise bad("The image's manifest is too short.", "Build it anew.")
    version, count = struct.unpack_from("<II", note, 4)
    if version != 1:
        raise bad(f"The image's manifest has version {version}; Solo5 knows 1.", "Build it anew.")
    if not 1 <= count <= _MOST_ENTRIES or len(note) != 12 + _ENTRY * count:
        raise bad("The image's manifest has a wrong number of entries.", "Build it anew.")
    entries = [note[at : at + _ENTRY] for at in range(12, len(note), _ENTRY)]
    if _kind(entries[0]) != _RESERVED_FIRST or any(entries[0][:_NAME_SIZE]):
        raise bad("The image's manifest does not begin with the reserved entry.", "Build it anew.")
    devices = tuple(_read_device(entry) for entry in entries[1:])
    if len(set(devices)) != len(devices):
        raise bad("The image's manifest lists a device twice.", "Build it anew.")
    return devices


def _read_device(entry: bytes) -> ManifestDevice:
    kind = _kind(entry)
    if kind not in _KINDS:
        raise bad(f"The image's manifest has a device of the unknown type {kind}.", "Build it anew.")
    name, end, _ = entry[:_NAME_SIZE].partition(b"\x00")
    if not end or not _NAME.fullmatch(name):
        shown = printable(name, 80)
        raise bad(f"The image's manifest has a device with the bad name {shown!r}.", "Build it anew.")
    return ManifestDevice(name.decode(), _KINDS[kind])


def _kind(entry: bytes) -> int:
    return int.from_bytes(entry[_NAME_SIZE : _NAME_SIZE + 4], "little")
