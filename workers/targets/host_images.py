"""The image that a unikernel starts from, as it is sent to its host."""

from __future__ import annotations

import zlib
from typing import Any

from tenants import image_files
from tenants.models import Host, HostShare, Image
from workers.albatross.values import UnikernelConfig
from workers.outcome import NeedsPerson


class ImageUnusable(NeedsPerson):
    """Of one unikernel; the others are not concerned."""


def config_of(share: HostShare, digest: str, settings: Any) -> UnikernelConfig:
    """Settings with the stored image of this digest. Raises ImageUnusable before anything is ended."""
    image = Image.objects.filter(sha256=digest, unikernels__share=share).first()
    try:
        if image is None:
            raise image_files.ImageDamaged("it is not there any more")
        data = image_files.read(image)
    except image_files.ImageDamaged as error:
        raise ImageUnusable(
            "image-damaged",
            f"The image {digest[:12]} cannot be used: {error}. Nothing was ended.",
            "Upload the same image again, then look again.",
        ) from error
    if share.host.transport == Host.Transport.LOCAL:
        return UnikernelConfig(settings, data)
    return UnikernelConfig(settings, zlib.compress(data, 6), compressed=True)
