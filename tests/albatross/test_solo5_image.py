from __future__ import annotations

import mmap
import struct
import subprocess
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.solo5_image import (
    MOST_IMAGE,
    ManifestDevice,
    device_problems,
    inflate,
    is_compressed,
    read_image,
)
from tenants.formats.text import FormatError
from tests.albatross import solo5_files as files

SERVICE = files.entry(b"service", files.NETWORK)
STORAGE = files.entry(b"storage", files.BLOCK)


def test_an_image_says_what_it_needs() -> None:
    image = read_image(files.image(files.abi(), files.manifest(SERVICE, STORAGE)))
    assert (image.target, image.abi_version, image.machine) == ("hvt", 2, "x86_64")
    assert image.devices == (ManifestDevice("service", "network"), ManifestDevice("storage", "block"))
    assert (image.names("network"), image.names("block")) == ({"service"}, {"storage"})
    assert image.tender == "solo5-hvt.2"
    assert image.runs_on_albatross


def test_the_bytes_of_a_real_manifest() -> None:
    """Recorded from an image with one block device: the reserved entry, then `storage` of type 1."""
    description = bytes.fromhex("000000000100000002000000") + bytes(68) + b"\0\0\0\x40" + bytes(32)
    description += bytes.fromhex("73746f72616765").ljust(68, b"\0") + bytes.fromhex("01000000") + bytes(32)
    assert len(description) == 0xDC
    recorded_abi = bytes.fromhex("01000000020000000000000000000000")
    notes = files.note(files.ABI, recorded_abi), files.note(files.MANIFEST, description)
    assert notes == (files.abi(), files.manifest(STORAGE))
    assert read_image(files.image(*notes)).devices == (ManifestDevice("storage", "block"),)


@pytest.mark.parametrize("options", [{}, {"sections": False}, {"segments": False}])
def test_notes_are_found_in_segments_and_in_sections(options: dict[str, bool], tmp_path: Path) -> None:
    raw = files.image(files.abi(), files.manifest(SERVICE), **options)  # type: ignore[arg-type]
    assert read_image(raw).names("network") == {"service"}
    path = tmp_path / "image.hvt"
    path.write_bytes(raw)
    command = ["readelf", "-n", path]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    assert shown.count("Solo5") >= 2


def test_notes_in_one_segment_may_be_aligned_to_8() -> None:
    raw = files.image(files.abi(), files.manifest(SERVICE), one_segment=True, sections=False)
    assert read_image(raw).names("network") == {"service"}


def test_notes_of_others_are_passed_over() -> None:
    others = files.note(3, b"\x01" * 20, b"GNU\x00"), files.note(files.ABI, bytes(16), b"Solo6\x00")
    empty = struct.pack("<III", 0, 0, 0)
    read_image(files.image(*others, empty, files.abi(), files.manifest()))
    read_image(files.image(*others, files.abi(), files.manifest(), one_segment=True, sections=False))


@pytest.mark.parametrize(("number", "target"), [(1, "hvt"), (2, "spt"), (3, "virtio"), (6, "xen")])
def test_targets(number: int, target: str) -> None:
    image = read_image(files.image(files.abi(number), files.manifest()))
    assert image.target == target
    assert image.runs_on_albatross == (target in ("hvt", "spt"))


def test_other_machines() -> None:
    assert read_image(files.image(files.abi(), files.manifest(), machine=183)).machine == "aarch64"
    assert read_image(files.image(files.abi(), files.manifest(), machine=243)).machine == "243"


GOOD = files.image(files.abi(), files.manifest(SERVICE))
LONG_NAME = b"a" * 67


def changed(at: int, new: bytes, raw: bytes = GOOD) -> bytes:
    return raw[:at] + new + raw[at + len(new) :]


REFUSED = [
    ("empty", b"", "no ELF"),
    ("text", b"#!/bin/sh\n" * 10, "no ELF"),
    ("gzip", b"\x1f\x8b\x08" + bytes(100), "gzip"),
    ("only the start", b"\x7fELF\x02\x01", "cut off"),
    ("32 bits", changed(4, b"\x01"), "64-bit"),
    ("big endian", changed(5, b"\x02"), "64-bit"),
    ("object file", changed(16, b"\x01\x00"), "no executable"),
    ("no end", GOOD[:-1], "cut off"),
    ("half", GOOD[: len(GOOD) // 2], "cut off"),
    ("no notes at all", files.image(), "no Solo5 ABI"),
    ("no manifest", files.image(files.abi()), "no Solo5 manifest"),
    ("no ABI", files.image(files.manifest()), "no Solo5 ABI"),
    ("two ABIs", files.image(files.abi(1), files.abi(2), files.manifest()), "two different"),
    ("two manifests", files.image(files.abi(), files.manifest(), files.manifest(SERVICE)), "two different"),
    (
        "segments and sections differ",
        files.image(files.abi(), files.manifest(), section_notes=[files.abi(), files.manifest(SERVICE)]),
        "another in its sections",
    ),
    ("short ABI", files.image(files.note(files.ABI, bytes(8)), files.manifest()), "wrong size"),
    ("target 7", files.image(files.abi(7), files.manifest()), "unknown Solo5 target 7"),
    ("target 0", files.image(files.abi(0), files.manifest()), "unknown Solo5 target 0"),
    ("empty manifest", files.image(files.abi(), files.note(files.MANIFEST, b"")), "too short"),
    ("manifest version 2", files.image(files.abi(), files.manifest(version=2)), "version 2"),
    ("no entries", files.image(files.abi(), files.manifest(count=0)), "number of entries"),
    ("more entries than bytes", files.image(files.abi(), files.manifest(count=2)), "number of entries"),
    (
        "fewer entries than bytes",
        files.image(files.abi(), files.manifest(SERVICE, count=1)),
        "number of entries",
    ),
    (
        "65 entries",
        files.image(
            files.abi(), files.manifest(*(files.entry(b"n%d" % at, files.NETWORK) for at in range(64)))
        ),
        "longer than it can be",
    ),
    ("first not reserved", files.image(files.abi(), files.manifest(first=SERVICE)), "reserved"),
    (
        "first has a name",
        files.image(files.abi(), files.manifest(first=files.entry(b"x", files.RESERVED))),
        "reserved",
    ),
    ("type 3", files.image(files.abi(), files.manifest(files.entry(b"x", 3))), "unknown type 3"),
    (
        "reserved twice",
        files.image(files.abi(), files.manifest(files.entry(b"", files.RESERVED))),
        "unknown type 1073741824",
    ),
    ("no name", files.image(files.abi(), files.manifest(files.entry(b"", files.NETWORK))), "bad name"),
    ("hyphen", files.image(files.abi(), files.manifest(files.entry(b"a-b", files.NETWORK))), "bad name"),
    ("escape", files.image(files.abi(), files.manifest(files.entry(b"\x1b[31m", files.BLOCK))), r"\\x1b"),
    ("no NUL", files.image(files.abi(), files.manifest(files.entry(b"a" * 68, files.NETWORK))), "bad name"),
    ("twice", files.image(files.abi(), files.manifest(SERVICE, SERVICE)), "twice"),
    ("headers too small", changed(0x36, b"\x08\x00"), "headers"),
    ("too many headers", changed(0x38, b"\xff\xff"), "headers"),
    ("headers far away", changed(0x20, b"\xff" * 8), "cut off"),
    ("sections far away", changed(0x28, b"\xff" * 8), "cut off"),
    ("a segment ends far away", changed(64 + 32, b"\xff" * 8), "cut off"),
    ("a note ends far away", changed(64 + 56 + 32, b"\xff" * 8), "cut off"),
]


@pytest.mark.parametrize(("raw", "reason"), [pytest.param(raw, why, id=name) for name, raw, why in REFUSED])
def test_what_no_tender_would_run_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason) as problem:
        read_image(raw)
    assert problem.value.field == "image"
    assert problem.value.fix


def test_the_most_that_a_manifest_can_hold() -> None:
    entries = [files.entry(b"n%d" % at, files.NETWORK) for at in range(62)]
    image = read_image(
        files.image(files.abi(), files.manifest(*entries, files.entry(LONG_NAME, files.BLOCK)))
    )
    assert len(image.devices) == 63
    assert image.names("block") == {LONG_NAME.decode()}


def test_a_network_and_a_block_device_may_share_a_name() -> None:
    both = files.entry(b"x", files.NETWORK), files.entry(b"x", files.BLOCK)
    assert len(read_image(files.image(files.abi(), files.manifest(*both))).devices) == 2


def test_a_note_that_says_it_is_longer_than_its_place() -> None:
    lying = struct.pack("<III", 6, 0x7FFFFFFF, files.MANIFEST) + b"Solo5\0\0\0"
    with pytest.raises(FormatError, match="longer than it can be"):
        read_image(files.image(files.abi(), lying))


def test_reading_costs_nothing_however_hostile() -> None:
    notes = struct.pack("<III", 4, 0, 1) + b"GNU\0"
    raw = files.image(notes * 1_000_000, sections=False)
    began = time.process_time()
    tracemalloc.start()
    with pytest.raises(FormatError, match="more notes"):
        read_image(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000
    assert time.process_time() - began < 2


def test_a_big_image_is_not_copied() -> None:
    raw = bytearray(files.relay_image(monitored=True) + bytes(32 << 20))
    tracemalloc.start()
    assert len(read_image(raw).devices) == 2
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_an_image_of_300_megabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(300 << 20)
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
        pytest.raises(FormatError, match="128 MiB"),
    ):
        read_image(view)


def in_pieces(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@given(st.binary(max_size=5000), st.integers(1, 500))
@settings(deadline=None)
def test_compressed_images_come_out_however_they_come_in(image: bytes, size: int) -> None:
    packed = zlib.compress(image)
    assert is_compressed(packed[:2])
    assert inflate(in_pieces(packed, size)) == image


def test_a_bomb_is_stopped() -> None:
    bomb = zlib.compress(bytes(200 << 20), 9)
    assert len(bomb) < 300_000
    tracemalloc.start()
    with pytest.raises(FormatError, match="bigger than 1 MiB"):
        inflate([bomb], at_most=1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    assert MOST_IMAGE == 128 << 20


def test_exactly_the_limit_fits() -> None:
    assert len(inflate([zlib.compress(bytes(1000))], at_most=1000)) == 1000
    with pytest.raises(FormatError, match="bigger"):
        inflate([zlib.compress(bytes(1001))], at_most=1000)


PACKED = zlib.compress(GOOD)


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([], "cut off"),
        ([b""], "cut off"),
        ([PACKED[:-1]], "cut off"),
        ([PACKED, b"x"], "follows"),
        ([PACKED + b"x"], "follows"),
        ([PACKED, PACKED], "follows"),
        ([b"not zlib at all"], "damaged"),
        ([PACKED[:-1] + b"\x00"], "damaged"),
    ],
)
def test_what_is_no_compressed_image(chunks: list[bytes], reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        inflate(chunks)


def test_an_elf_file_does_not_look_compressed() -> None:
    assert not any(is_compressed(head) for head in (b"\x7fELF", b"\x1f\x8b", b"", b"\x78", b"\x78\x00"))


def test_devices_must_be_exactly_those_of_the_manifest() -> None:
    image = read_image(files.relay_image())
    assert device_problems(image, networks=["service"], blocks=[]) == []
    assert device_problems(image, networks=["br0"], blocks=["data"]) == [
        "The image needs the network device service.",
        "The image has no network device br0.",
        "The image has no block device data.",
    ]


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes(raw: bytes) -> None:
    for image in (raw, b"\x7fELF\x02\x01" + raw):
        with pytest.raises(FormatError):
            read_image(image)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(deadline=None, max_examples=500)
def test_changed_bytes(changes: list[tuple[int, int]]) -> None:
    raw = bytearray(GOOD)
    for at, value in changes:
        raw[at] = value
    try:
        image = read_image(raw)
    except FormatError as problem:
        assert "\x00" not in str(problem)  # noqa: PT017 - either is right
        return
    assert all(device.name.isalnum() for device in image.devices)
