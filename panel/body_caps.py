"""How much a request may send, and how slowly, before anything of it is kept or any view runs.

Django takes the whole body into a temporary file first, whoever sends it and wherever to. So this stands
before Django, as the outermost ASGI application. A WSGI server needs none of it: there, views read what they
take.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from panel.api import errors
from panel.api.organization_imports import MOST_BODY
from panel.middleware import EVERY_ANSWER
from tenants.formats.solo5_image import MOST_IMAGE
from tenants.formats.tables import MAX_BYTES

Message = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# A form around a file, and a file that is a little too large: the page itself says so, with the form.
_AROUND = 1 << 20
# By the name of the address; all others take DATA_UPLOAD_MAX_MEMORY_SIZE.
LARGER: Mapping[str, int] = {
    "image-upload": MOST_IMAGE + _AROUND,
    "api:images": MOST_IMAGE + _AROUND,
    "addresses-import": MAX_BYTES + _AROUND,
    "api:domain-import": MAX_BYTES + _AROUND,
    "organization-import": MAX_BYTES + _AROUND,
    "api:organization-import": MOST_BODY + _AROUND,
    "zone-import": 4 << 20,
}
# Bodies above the usual size that one process takes at once: many of them would fill the disk, too.
MOST_AT_ONCE = 8


@dataclass(frozen=True)
class Pace:
    """A body may take `grace` seconds, and one more for each `rate` bytes of it that came."""

    grace: float = 30.0
    rate: int = 16 << 10
    # After a refusal, what is under way is thrown away for so long: else the answer might be lost.
    linger_seconds: float = 2.0
    linger_bytes: int = 4 << 20


@dataclass(frozen=True)
class Refusal:
    """`page` is the sentence for people, `detail` the one for programs."""

    code: str
    title: str
    page: str
    detail: str
    lingers: bool = True

    @property
    def status(self) -> int:
        return errors.CODES[self.code][0]


def too_large(limit: int) -> Refusal:
    most = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"
    return Refusal(
        "too_large",
        "This is too large.",
        f"At most {most} are taken here, and nothing of it was kept. Send less at once.",
        f"The body is larger than {limit} bytes, which is the most that is read here. Send less at once.",
    )


TOO_SLOW = Refusal(
    "too_slow",
    "This took too long.",
    "What you sent came in too slowly, and nothing of it was kept. Try again on a better line.",
    "The body came in too slowly, and nothing of it was kept. Send it again, faster.",
    lingers=False,
)
NO_LENGTH = Refusal(
    "length_required",
    "The length is missing.",
    "Your program has to say how long the body is that it sends.",
    "The body comes in chunks without a length. Send Content-Length.",
)
TOO_MANY = Refusal(
    "unavailable",
    "Too many uploads at once.",
    "Others are uploading large files just now. Try again in a moment.",
    "Too many large bodies are being received. Try again in a moment.",
)


def load_addresses() -> None:
    """Import all pages now, which takes seconds: the first large body would have the event loop do it, and
    everybody else wait."""
    with suppress(Resolver404):
        resolve("/nowhere-at-all")


def limit_of(scope: Scope) -> int:
    """How many bytes the address of a request takes."""
    path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
    try:
        name = resolve(path).view_name
    except (Resolver404, ValueError):
        name = ""
    return LARGER.get(name, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


class BodyCaps:
    """Stands before an ASGI application that reads the whole body before it answers."""

    def __init__(self, app: App, pace: Pace | None = None) -> None:
        self.app = app
        self.pace = pace or Pace()
        self.large_ones = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(self, scope, receive)
        try:
            body.look_at_head()
            if body.refusal is None:
                await self.app(scope, body.receive, send)
            if body.refusal is not None and not body.is_gone:
                await _refuse(scope, body.refusal, receive, send, self.pace)
        finally:
            self.large_ones -= body.is_large


class _Body:
    """One body on its way. Once it is refused, the application is told that the client has left, which makes
    it clean up and say nothing."""

    def __init__(self, caps: BodyCaps, scope: Scope, receive: Receive) -> None:
        self.caps, self.scope, self._receive = caps, scope, receive
        self.count = 0
        self.refusal: Refusal | None = None
        self.is_whole = self.is_gone = self.is_large = False
        self._since = asyncio.get_running_loop().time()

    def look_at_head(self) -> None:
        headers = dict(self.scope["headers"])
        length: bytes | None = headers.get(b"content-length")
        if length is not None:
            self.refusal = self._judge(int(length) if length.isdigit() and len(length) < 20 else 1 << 62)
        elif b"transfer-encoding" in headers and _is_api(self.scope):
            # The framework of the API takes a body without a length for none at all.
            self.refusal = NO_LENGTH

    @cached_property
    def limit(self) -> int:
        return limit_of(self.scope)

    def _judge(self, size: int) -> Refusal | None:
        """Refuse a body of this size, or take one of the places for large ones."""
        if size <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE or (self.is_large and size <= self.limit):
            return None
        if size > self.limit:
            return too_large(self.limit)
        if self.caps.large_ones >= MOST_AT_ONCE:
            return TOO_MANY
        self.caps.large_ones += 1
        self.is_large = True
        return None

    async def receive(self) -> Message:
        if self.is_whole:
            return await self._receive()
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        pace = self.caps.pace
        try:
            async with asyncio.timeout_at(self._since + pace.grace + self.count / pace.rate):
                message = await self._receive()
        except TimeoutError:
            self.refusal = TOO_SLOW
            return {"type": "http.disconnect"}
        if message["type"] == "http.disconnect":
            self.is_gone = True
            return message
        self.count += len(message.get("body", b""))
        self.refusal = self._judge(self.count)
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        self.is_whole = not message.get("more_body", False)
        return message


def _is_api(scope: Scope) -> bool:
    return str(scope["path"]).removeprefix(str(scope.get("root_path", ""))).startswith("/api/")


async def _refuse(scope: Scope, refusal: Refusal, receive: Receive, send: Send, pace: Pace) -> None:
    number = uuid.uuid4().hex
    if _is_api(scope):
        kind = errors.MEDIA_TYPE
        content = msgspec.json.encode(errors.problem(refusal.code, refusal.detail, number))
    else:
        kind = "text/html; charset=utf-8"
        values = {"title": refusal.title, "sentence": refusal.page, "frame": {"layout": "public.html"}}
        content = render_to_string("errors/body.html", values).encode()
    headers = {
        **EVERY_ANSWER,
        "Referrer-Policy": "strict-origin",
        "Content-Type": kind,
        "Content-Length": str(len(content)),
        "Connection": "close",
        "X-Request-Id": number,
        **({"Retry-After": "10"} if refusal is TOO_MANY else {}),
    }
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": pairs})
    await send({"type": "http.response.body", "body": content, "more_body": True})
    if refusal.lingers:
        await _throw_away(receive, pace)
    await send({"type": "http.response.body", "body": b""})


async def _throw_away(receive: Receive, pace: Pace) -> None:
    """A socket that is closed with unread bytes in it takes the answer back (RFC 9112, 9.6)."""
    left = pace.linger_bytes
    with suppress(TimeoutError):
        async with asyncio.timeout(pace.linger_seconds):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):  # also a client that has left
                    return
                left -= len(message.get("body", b""))
