"""Unikernel images: taken in as a stream, read and hashed before anything of them is kept."""

from __future__ import annotations

import hashlib
import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from django.db import IntegrityError, transaction

from tenants import access, image_files
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.dryrun import is_rehearsed
from tenants.errors import Checks, Conflict
from tenants.formats.solo5_image import MOST_IMAGE, Solo5Image, inflate, is_compressed, read_image
from tenants.formats.text import FormatError, check_name, check_text, printable
from tenants.models import Image, Organization

_PIECE = 1 << 16


@dataclass(frozen=True)
class Received:
    """An image that came in whole: its uncompressed bytes in a temporary file, and what it says of itself.
    `fetched` is how many bytes came, compressed or not."""

    file: IO[bytes]
    size: int
    fetched: int
    sha256: str
    manifest: Solo5Image


def upload_image(
    *,
    actor: Actor,
    organization: Organization,
    contents: Iterable[bytes],
    name: str,
    role: str = Image.Role.OTHER,
    era: str = "",
    note: str = "",
) -> Image:
    """Take an image in, compressed by zlib or not. The same image again gives the row that is there.

    Nothing is kept of what is no Solo5 image. Where the file of a known image was lost, this brings it back.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.IMAGE, organization)
    values = check_names(name=name, role=role, era=era, note=note)
    with received(contents) as came:
        return keep_image(actor, organization, came, values)


def keep_image(
    actor: Actor,
    organization: Organization,
    came: Received,
    values: dict[str, Any],
    *,
    verb: str = "upload_image",
    source: str = "",
) -> Image:
    """The row and the file of an image that came in, or the row that is there already. `source` says where
    Rookery itself got it; empty for an upload."""
    known = Image.objects.filter(organization=organization, sha256=came.sha256).first()
    if known is not None:
        image_files.store(known, came.file)
        return known
    manifest = came.manifest
    how = f"came from {source}" if source else "was uploaded"
    try:
        with transaction.atomic():
            row = Image.objects.create(
                organization=organization,
                sha256=came.sha256,
                size=came.size,
                target=manifest.target,
                abi_version=manifest.abi_version,
                machine=manifest.machine,
                devices=[[device.name, device.kind] for device in manifest.devices],
                source=source,
                **values,
            )
            record(
                actor,
                verb,
                row,
                f"The image {row} ({row.short_digest}) {how}.",
                organization=organization,
                after={"sha256": row.sha256, "size": row.size, **values},
            )
            if not is_rehearsed():
                # Before the row can be seen; a failure takes the row back.
                image_files.store(row, came.file)
    except IntegrityError as error:
        raise Conflict("The same image is being taken in for somebody else just now.") from error
    return row


@contextmanager
def received(contents: Iterable[bytes]) -> Iterator[Received]:
    """Write it to a temporary file, never more than an image may have, and read its notes."""
    with Checks() as checks, tempfile.TemporaryFile() as file:
        size = 0
        for piece in contents:
            size += len(piece)
            if size > MOST_IMAGE:
                raise FormatError(
                    "image", f"The image is bigger than {MOST_IMAGE >> 20} MiB.", "Upload a smaller one."
                )
            file.write(piece)
        if not size:
            raise FormatError("image", "The file is empty.", "Choose a .hvt or .spt file.")
        file.flush()
        yield _read(file, size)
    checks.finish()


def _read(file: IO[bytes], fetched: int) -> Received:
    file.seek(0)
    if is_compressed(file.read(2)):
        file.seek(0)
        plain = inflate(iter(lambda: file.read(_PIECE), b""))
        file.seek(0)
        file.truncate()
        file.write(plain)
        file.flush()
    # Not closed by hand: the traceback of a refusal still holds views into it.
    whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Received(file, len(whole), fetched, hashlib.sha256(whole).hexdigest(), read_image(whole))


def check_names(*, name: str, role: str, era: str, note: str) -> dict[str, Any]:
    """Return what people call an image, as stored. Raises Invalid."""
    values: dict[str, Any] = {"role": role}
    with Checks() as checks:
        values["name"] = check_name(name, field="name", maximum=100)
    with checks:
        values["era"] = check_text(era, field="era", maximum=40)
    with checks:
        values["note"] = check_text(note, field="note", maximum=500)
    with checks:
        if role not in Image.Role.values:
            raise FormatError(
                "role",
                f"“{printable(role, 40)}” is no role.",
                f"Choose one of {', '.join(Image.Role.values)}.",
            )
    checks.finish()
    return values


@transaction.atomic
def change_image(
    *,
    actor: Actor,
    image: Image,
    name: str | None = None,
    role: str | None = None,
    era: str | None = None,
    note: str | None = None,
) -> Image:
    """Change what people call an image. What it is cannot change."""
    access.require(actor, access.Verb.CHANGE, image)
    lock(image)
    before = _told(image)
    given = {"name": name, "role": role, "era": era, "note": note}
    wanted = check_names(
        **{field: before[field] if value is None else value for field, value in given.items()}
    )
    if wanted == before:
        return image
    for field, value in wanted.items():
        setattr(image, field, value)
    image.save(update_fields=list(wanted))
    record(
        actor,
        "change_image",
        image,
        f"What the image {image.short_digest} is called was changed.",
        organization=image.organization,
        before={"image": image.pk, **before},
        after={"image": image.pk, **wanted},
    )
    return image


def _told(image: Image) -> dict[str, Any]:
    return {field: getattr(image, field) for field in ("name", "role", "era", "note")}


@transaction.atomic
def delete_image(*, actor: Actor, image: Image) -> None:
    """Delete an image that no unikernel uses, stopped ones included."""
    access.require(actor, access.Verb.DELETE, image)
    lock(image)
    users = list(image.unikernels.select_related("share__host")[:5])
    if users:
        names = ", ".join(f"{row} on {row.share.host}" for row in users)
        raise Conflict(f"{names} uses this image. Give it another one, or delete it first.")
    before = {"sha256": image.sha256, **_told(image)}
    organization, name, digest = image.organization, str(image), image.short_digest
    gone = Image(sha256=image.sha256)
    image.delete()
    # Asked only then: somebody else may have taken the same one in, or deleted theirs, meanwhile.
    transaction.on_commit(lambda: image_files.remove_unused(gone), robust=True)
    record(
        actor,
        "delete_image",
        name,
        f"The image {name} ({digest}) was deleted.",
        organization=organization,
        before=before,
    )


def _of(event: Any) -> Image | None:
    return Image.objects.filter(pk=event.after.get("image")).first()


undoable(
    "change_image",
    find=_of,
    present=lambda image, event: {"image": image.pk, **_told(image)},
    restore=lambda actor, image, event: change_image(
        actor=actor, image=image, **{key: value for key, value in event.before.items() if key != "image"}
    ),
    told=lambda image, event: f"The image is called {event.before['name']} again.",
)
final("Delete the image instead.", "upload_image")
final("Upload the image again: Rookery keeps no file of it.", "delete_image")
