"""Server-sent events: a page's moving parts, as they change. The only async views.

A stream looks at the database a few times per second at most, sends only what changed, and ends when nothing
more will happen or after some minutes; the browser then asks again, or polls the `…-fragment` pages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token

from panel.web import fragments
from panel.web.fragments import Fragment
from panel.web.handling import actor_of, page
from tenants.actor import Actor
from tenants.errors import Absent, ActionError
from tenants.models import Account

LOOK_SECONDS = 0.5
WAITING_LOOK_SECONDS = 2.0
LONGEST_SECONDS = 300.0
# A comment line now and then, so that a browser that left is noticed.
SILENCE_SECONDS = 15.0
MOST_STREAMS = 200

Look = Callable[[Actor, int, str], Fragment]
_open_streams = 0


async def run_live(request: HttpRequest, run_id: int) -> HttpResponse | StreamingHttpResponse:
    return await stream(request, fragments.run_fragment, run_id)


async def address_live(request: HttpRequest, mailbox_id: int) -> HttpResponse | StreamingHttpResponse:
    return await stream(request, fragments.address_fragment, mailbox_id)


@page()
def run_fragment(request: HttpRequest, run_id: int) -> HttpResponse:
    return _polled(request, fragments.run_fragment, run_id)


@page()
def address_fragment(request: HttpRequest, mailbox_id: int) -> HttpResponse:
    return _polled(request, fragments.address_fragment, mailbox_id)


def _polled(request: HttpRequest, look: Look, row_id: int) -> HttpResponse:
    """What the stream would send now; for browsers and proxies that hold no stream."""
    return HttpResponse(look(actor_of(request), row_id, get_token(request)).html)


async def stream(request: HttpRequest, look: Look, row_id: int) -> HttpResponse | StreamingHttpResponse:
    """Send what `look` gives, each time that it differs from what was sent last."""
    if request.method != "GET":
        return HttpResponse(status=405, headers={"Allow": "GET"})
    if actor_of(request).account is None:
        return HttpResponse("Sign in again.", status=401, content_type="text/plain")
    if _open_streams >= MOST_STREAMS:
        # The browser turns to polling.
        return HttpResponse(status=503, headers={"Retry-After": "10"})
    token = await sync_to_async(get_token)(request)
    try:
        first = await _look(look, request, row_id, token)
    except ActionError as error:
        raise Http404 from error
    response = StreamingHttpResponse(
        _messages(look, request, row_id, token, first), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _messages(
    look: Look, request: HttpRequest, row_id: int, token: str, first: Fragment
) -> AsyncIterator[bytes]:
    global _open_streams  # noqa: PLW0603 - counted per process
    _open_streams += 1
    try:
        ends = spoken = time.monotonic()
        ends += LONGEST_SECONDS
        fragment, sent = first, ""
        while True:
            if fragment.html != sent:
                sent, spoken = fragment.html, time.monotonic()
                yield message(fragment.html)
            elif time.monotonic() - spoken > SILENCE_SECONDS:
                spoken = time.monotonic()
                yield b": still here\n\n"
            if fragment.is_final or time.monotonic() >= ends:
                return
            await asyncio.sleep(WAITING_LOOK_SECONDS if fragment.is_waiting else LOOK_SECONDS)
            try:
                fragment = await _look(look, request, row_id, token)
            except ActionError:
                return  # not theirs any more; the next page that they open says so
    finally:
        _open_streams -= 1


async def _look(look: Look, request: HttpRequest, row_id: int, token: str) -> Fragment:
    return await sync_to_async(_look_now)(look, actor_of(request), row_id, token)


def _look_now(look: Look, actor: Actor, row_id: int, token: str) -> Fragment:
    """One look, with the account read afresh: who was locked out in between sees nothing more."""
    try:
        account = (
            Account.objects.filter(pk=actor.account.pk, is_active=True).first() if actor.account else None
        )
        if account is None:
            raise Absent
        return look(replace(actor, account=account), row_id, token)
    finally:
        close_old_connections()


def message(html: str) -> bytes:
    """One event: every line of it begins with “data: ”, an empty line ends it."""
    lines = html.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return ("".join(f"data: {line}\n" for line in lines) + "\n").encode()
