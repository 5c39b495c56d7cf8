"""Images that come with a form: into a temporary file, since they are big, and bounded."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import StopFutureHandlers, TemporaryFileUploadHandler

from tenants.formats.solo5_image import MOST_IMAGE

PAGE = "/images/upload"


class ImageUpload(TemporaryFileUploadHandler):
    """Keeps one byte more than an image may have, so that the action says what is wrong; drops the rest.

    Files of other pages are left to the handlers after this one.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self._ours = self.request is not None and self.request.path == PAGE
        self._room = MOST_IMAGE + 1
        if self._ours:
            super().new_file(*args, **kwargs)
            raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if not self._ours:
            return raw_data
        kept = raw_data[: max(self._room, 0)]
        self._room -= len(kept)
        self.file.write(kept)
        return None

    def file_complete(self, file_size: int) -> Any:
        if not self._ours:
            return None
        return super().file_complete(min(file_size, MOST_IMAGE + 1))

    def upload_interrupted(self) -> None:
        if getattr(self, "_ours", False):
            super().upload_interrupted()
