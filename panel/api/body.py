"""JSON in and out: bounded and strict when reading, fast when writing."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, ClassVar

import msgspec
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from panel.api.errors import TooLarge


class JSONParser(BaseParser):
    """UTF-8 JSON of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes.

    Half surrogates, NaN and overlong nesting are refused: nothing later could store or echo them.
    """

    media_type = "application/json"
    limit: ClassVar[int | None] = None  # of bytes, where an operation takes more than others

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = self.limit or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes. Send less at once.")
        try:
            return msgspec.json.decode(raw)
        except msgspec.MsgspecError as error:
            raise ParseError(f"The body is not JSON: {error}. Send an object: {{…}}.") from error
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8. Encode it again.") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply. Send it flatter.") from error


@dataclass(frozen=True)
class SentFile:
    """A body that is a file: on disk, never whole in memory."""

    file: IO[bytes]
    sha256: str

    def pieces(self) -> Iterator[bytes]:
        self.file.seek(0)
        return iter(lambda: self.file.read(FileParser.piece), b"")


class FileParser(BaseParser):
    """The bytes of a file as they are, for a view that closes its `files` (an ExitStack) at the end. Of one
    that is longer than `limit`, a byte more than that is kept, so that the action says what is wrong."""

    media_type = "application/octet-stream"
    limit: ClassVar[int]
    piece: ClassVar[int] = 1 << 16

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        view = (parser_context or {})["view"]
        file = view.files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the view closes it
        digest, left = hashlib.sha256(), self.limit + 1
        while left > 0 and (piece := stream.read(min(self.piece, left))):
            file.write(piece)
            digest.update(piece)
            left -= len(piece)
        return SentFile(file, digest.hexdigest())


def _plain(value: object) -> Any:
    """What the encoder does not know: lazy sentences and the like are text."""
    return str(value)


_encoder = msgspec.json.Encoder(enc_hook=_plain)


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else _encoder.encode(data)
