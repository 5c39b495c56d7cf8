"""Files of images: in the storage `images`, under their SHA-256, which is checked at each read."""

from __future__ import annotations

import hashlib
from typing import IO

from django.core.files import File
from django.core.files.storage import Storage, storages

from tenants.formats.solo5_image import MOST_IMAGE
from tenants.models import Image

_PIECE = 1 << 20


class ImageDamaged(Exception):
    """The stored file is gone, or is not what was uploaded."""


def storage() -> Storage:
    return storages["images"]


def store(image: Image, contents: IO[bytes]) -> None:
    """Keep the file of an image, unless it is there already."""
    if is_there(image):
        return
    if storage().exists(image.file_name):
        storage().delete(image.file_name)
    contents.seek(0)
    storage().save(image.file_name, File(contents))


def is_there(image: Image) -> bool:
    """Whether its file is there and whole by its size."""
    files = storage()
    return files.exists(image.file_name) and files.size(image.file_name) == image.size


def remove(image: Image) -> None:
    storage().delete(image.file_name)


def remove_unused(image: Image) -> None:
    """Remove the file of an image, unless an organization has it."""
    if not Image.objects.filter(sha256=image.sha256).exists():
        remove(image)


def read(image: Image) -> bytes:
    """The whole image. Raises ImageDamaged unless it has the SHA-256 that it was uploaded with."""
    digest, pieces, size = hashlib.sha256(), [], 0
    try:
        with storage().open(image.file_name, "rb") as file:
            while piece := file.read(_PIECE):
                size += len(piece)
                if size > MOST_IMAGE:
                    raise ImageDamaged("it is bigger than any image")
                digest.update(piece)
                pieces.append(piece)
    except OSError as error:
        raise ImageDamaged("its file cannot be read") from error
    if digest.hexdigest() != image.sha256:
        raise ImageDamaged("its file is not the one that was uploaded")
    return b"".join(pieces)
