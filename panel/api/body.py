"""JSON in and out: bounded and strict when reading, fast when writing."""

from __future__ import annotations

from collections.abc import Mapping
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
