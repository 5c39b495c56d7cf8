"""Images to try with: nothing in them boots, but they say of themselves what a real one says."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from tenants.formats.solo5_image import DeviceKind

_KINDS: dict[DeviceKind, int] = {"block": 1, "network": 2}
_RESERVED = 0x40000000
_ABI, _MANIFEST = 0x31494241, 0x3154464D
_HEADER, _SEGMENT = 64, 56
SAMPLES: dict[str, tuple[tuple[str, DeviceKind], ...]] = {
    "hello-1.hvt": (),
    "hello-2.hvt": (),
    "clock.hvt": (("service", "network"),),
    "store.hvt": (("storage", "block"),),
}


def write_samples(folder: Path, further: Mapping[str, bytes]) -> list[Path]:
    """Write them and further images where they are not yet; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths = []
    images = {name: sample(name.encode(), devices) for name, devices in SAMPLES.items()}
    for name, image in {**images, **further}.items():
        path = folder / name
        if not path.exists():
            path.write_bytes(image)
        paths.append(path)
    return paths


def sample(text: bytes, devices: tuple[tuple[str, DeviceKind], ...]) -> bytes:
    """A minimal ELF file for hvt: one part to load, which holds `text`, and one with each note."""
    entries = [_entry(b"", _RESERVED), *(_entry(name.encode(), _KINDS[kind]) for name, kind in devices)]
    manifest = bytes(4) + struct.pack("<II", 1, len(entries)) + b"".join(entries)
    parts = [
        (1, text.ljust(64, b"\x00")),
        (4, _note(_ABI, struct.pack("<IIII", 1, 2, 0, 0))),
        (4, _note(_MANIFEST, manifest)),
    ]
    at = _HEADER + _SEGMENT * len(parts)
    headers = b""
    for kind, part in parts:
        headers += struct.pack("<IIQQQQQQ", kind, 4, at, at, at, len(part), len(part), 4)
        at += len(part)
    fields = (2, 62, 1, 0, _HEADER, 0, 0, _HEADER, _SEGMENT, len(parts), _HEADER, 0, 0)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    return ident + struct.pack("<HHIQQQIHHHHHH", *fields) + headers + b"".join(part for _, part in parts)


def _entry(name: bytes, kind: int) -> bytes:
    return name.ljust(68, b"\x00") + struct.pack("<I", kind) + bytes(32)


def _note(kind: int, description: bytes) -> bytes:
    return struct.pack("<III", 6, len(description), kind) + b"Solo5\x00\x00\x00" + description
