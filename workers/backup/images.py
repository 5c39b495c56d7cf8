"""Images beside backups: each in a file of its own, sealed, and written once for all backups of a folder.

The key of such a file comes from what the workers' key file keeps through every renewal (its marks) and from
the image's SHA-256. So the same image is the same file later, and whoever opens any backup of the folder,
which holds those marks, opens all images that it names.
"""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import datetime
from pathlib import Path

from tenants import image_files
from tenants.models import Image
from workers.backup.sealed_file import SealedWriter, opened, sealed_length
from workers.backup.seals import Refused


class ImageStore:
    def __init__(self, folder: Path, marks: str) -> None:
        """`marks` as the file of the workers' key says them."""
        self._folder = folder
        self._secret = base64.b64decode(marks)

    def path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _key(self, sha256: str) -> bytes:
        return hashlib.blake2b(
            bytes.fromhex(sha256), key=self._secret, person=b"rookery-image", digest_size=32
        ).digest()

    def keep(self, image: Image, seen_at: datetime) -> bool:
        """Have its file, and say that a backup of this moment needs it; False where ours is damaged."""
        path = self.path(image.sha256)
        if not path.exists() or path.stat().st_size != sealed_length(image.size):
            try:
                contents = image_files.read(image)
            except image_files.ImageDamaged:
                return False
            self._write(path, image.sha256, contents)
        os.utime(path, (seen_at.timestamp(), seen_at.timestamp()))
        return True

    def _write(self, path: Path, sha256: str, contents: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                sealed = SealedWriter(file, self._key(sha256), about=sha256.encode())
                sealed.write(contents)
                sealed.finish()
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def read(self, sha256: str) -> bytes | None:
        """The image; None where its file is not there, is damaged, or is another's."""
        try:
            with self.path(sha256).open("rb") as file:
                contents = b"".join(opened(file, self._key(sha256), about=sha256.encode()))
        except (OSError, Refused):
            return None
        return contents if hashlib.sha256(contents).hexdigest() == sha256 else None

    @staticmethod
    def forget_before(folder: Path, moment: float) -> None:
        """Remove files that no backup since then named; seconds since 1970."""
        for path in folder.glob("??/*"):
            if path.stat().st_mtime < moment:
                path.unlink()
