"""What albatrossd makes of an image: inflate it, read its notes, look for its tender, compare its devices."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tenants.formats.solo5_image import DeviceKind, Solo5Image, inflate, read_image
from tenants.formats.text import FormatError
from workers.albatross.values import Buffer, Settings
from workers.sandbox.albatross.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Inspected:
    """An image that could be started, and the SHA-256 of its uncompressed bytes."""

    image: Solo5Image
    digest: bytes


Inspect = Callable[[Buffer, bool], Inspected]
"""Takes an image and whether it is compressed. Raises Refusal."""


def inspector(tenders: Iterable[str]) -> Inspect:
    """Accepts images for which there is a tender, such as `solo5-hvt.2`."""
    known = frozenset(tenders)

    def inspect(data: Buffer, compressed: bool) -> Inspected:
        plain = _inflated(data) if compressed else data
        try:
            image = read_image(plain)
        except FormatError:
            raise Refusal("error during ELF parsing") from None
        if not image.runs_on_albatross:
            raise Refusal(f"unsupported solo5 target {image.target}")
        if image.tender not in known:
            looked = f"/var/lib/albatross/{image.tender}, {image.tender}"
            raise Refusal(f"tender does not exist, looked for {looked}")
        return Inspected(image, hashlib.sha256(plain).digest())

    return inspect


def _inflated(data: Buffer) -> bytearray:
    try:
        return inflate([bytes(data)])
    except FormatError:
        raise Refusal("failed to uncompress: Invalid Zlib header") from None


def check_manifest(image: Solo5Image, settings: Settings) -> None:
    """The request must name exactly the manifest's devices. Raises Refusal."""
    if {network.name for network in settings.networks} != image.names("network"):
        wanted = _quoted("net", image, "network")
        raise Refusal(
            f"specified bridge(s) does not match with the manifest. Devices present in manifest: {wanted}"
        )
    if {block.name for block in settings.blocks} != image.names("block"):
        wanted = _quoted("block", image, "block")
        raise Refusal(
            f"specified block device(s) does not match with manifest. Devices present in manifest: {wanted}"
        )


def _quoted(word: str, image: Solo5Image, kind: DeviceKind) -> str:
    return ", ".join(f'{word} "{name}"' for name in sorted(image.names(kind)))
