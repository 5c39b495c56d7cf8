"""No request fills the disk or the memory: bodies are bounded before Django takes them."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import socket
import tempfile
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from django.conf import settings
from django.urls import clear_url_caches, get_resolver, reverse

import panel.asgi
from panel.asgi import application
from panel.body_caps import LARGER, MOST_AT_ONCE, BodyCaps, Message, Pace, Receive, Scope, Send, limit_of
from panel.middleware import EVERY_ANSWER

Result = TypeVar("Result")
PIECE = b"x" * (1 << 16)
HUGE = 300 << 20
QUICK = Pace(grace=0.1, rate=1 << 30, linger_seconds=0.1, linger_bytes=1 << 18)


def scope(path: str = "/sign-in", **headers: str) -> Scope:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": pairs,
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """In a thread of its own: that of the tests has a loop already, once a browser was started in it."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, story).result()


class Client:
    """Sends `size` bytes, as long as somebody takes them, and keeps what is answered."""

    def __init__(self, size: int, *, stops_at: int | None = None) -> None:
        self.size, self.stops_at, self.taken = size, stops_at, 0
        self.said: list[Message] = []

    async def receive(self) -> Message:
        if self.taken >= self.size or (self.stops_at is not None and self.taken >= self.stops_at):
            await asyncio.Event().wait()
        piece = PIECE[: self.size - self.taken]
        self.taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": self.taken < self.size}

    async def send(self, message: Message) -> None:
        self.said.append(message)

    def ask(self, asked: Scope, app: Any = application) -> int:
        run(asyncio.wait_for(app(asked, self.receive, self.send), 20))
        return int(self.said[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.said[0]["headers"]}

    @property
    def content(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.said[1:])


class Reader:
    """As Django does: reads everything, then answers; knows when it was told to give up."""

    def __init__(self) -> None:
        self.count, self.was_left = 0, 0
        self.holds: asyncio.Event | None = None

    async def __call__(self, asked: Scope, receive: Receive, send: Send) -> None:
        async for piece in self._pieces(receive):
            self.count += len(piece)
        if self.was_left:
            return
        if self.holds is not None:
            await self.holds.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _pieces(self, receive: Receive) -> AsyncIterator[bytes]:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.was_left += 1
                return
            yield message["body"]
            if not message["more_body"]:
                return


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Addresses and templates are loaded before memory is counted."""
    Client(HUGE, stops_at=0).ask(scope(content_length=str(HUGE)), BodyCaps(application.app, QUICK))


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def files_in(folder: Path) -> list[str]:
    """Those that this process has open, also the deleted ones, and those that lie there."""
    opened = [os.path.realpath(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")]
    return [each for each in opened if each.startswith(str(folder))] + [
        str(each) for each in folder.iterdir()
    ]


@pytest.mark.parametrize("path", ["/", "/sign-in", "/images/upload", "/nowhere", "/images/upload/"])
def test_an_announced_length_is_refused_before_a_byte_is_read(path: str) -> None:
    client = Client(HUGE, stops_at=0)
    caps = BodyCaps(application.app, QUICK)
    assert client.ask(scope(path, content_length=str(HUGE)), caps) == 413
    assert client.taken == 0
    assert client.headers["connection"] == "close"
    assert {name.lower(): value for name, value in EVERY_ANSWER.items()}.items() <= client.headers.items()
    assert client.headers["referrer-policy"] == "strict-origin"
    assert b"<h1>This is too large.</h1>" in client.content
    most = b"129 MiB" if path == "/images/upload" else b"1 MiB"
    assert most in client.content


@pytest.mark.parametrize("path", ["/api/v1/images/", "/api/v1/organizations/", "/api/nowhere"])
def test_programs_get_a_problem_that_they_can_read(path: str) -> None:
    client = Client(HUGE, stops_at=0)
    assert client.ask(scope(path, content_length=str(HUGE)), BodyCaps(application.app, QUICK)) == 413
    assert client.headers["content-type"] == "application/problem+json"
    told = json.loads(client.content)
    assert (told["code"], told["status"]) == ("too_large", 413)
    assert told["request_id"] == client.headers["x-request-id"]


def test_a_body_in_chunks_is_counted_and_takes_neither_memory_nor_disk(spool: Path) -> None:
    client = Client(HUGE)
    tracemalloc.start()
    try:
        assert client.ask(scope(transfer_encoding="chunked")) == 413
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert client.taken <= (1 << 20) + Pace().linger_bytes + 2 * len(PIECE)
    assert peak < 8 << 20
    assert files_in(spool) == []


def test_a_long_body_reaches_the_application_in_flat_memory() -> None:
    app, client = Reader(), Client(LARGER["image-upload"])
    tracemalloc.start()
    try:
        assert client.ask(scope("/images/upload", content_length=str(client.size)), BodyCaps(app)) == 200
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert app.count == client.size
    assert peak < 1 << 20


def test_the_addresses_are_loaded_before_the_first_request() -> None:
    clear_url_caches()
    importlib.reload(panel.asgi)
    # What Django keeps once it has imported the pages.
    assert "url_patterns" in vars(get_resolver())


def test_one_byte_decides() -> None:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    for size, status in ((most, 200), (most + 1, 413)):
        app, client = Reader(), Client(size)
        assert client.ask(scope(), BodyCaps(app, QUICK)) == status
        assert app.was_left == (status == 413)


def test_a_length_that_lies_does_not_help() -> None:
    app, client = Reader(), Client(HUGE)
    assert client.ask(scope(content_length="5"), BodyCaps(app, QUICK)) == 413
    assert app.count <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_a_body_that_drips_is_given_up() -> None:
    for path, kind in (("/sign-in", "text/html; charset=utf-8"), ("/api/v1/me/", "application/problem+json")):
        app, client = Reader(), Client(1000, stops_at=0)
        assert client.ask(scope(path, content_length="1000"), BodyCaps(app, QUICK)) == 408
        assert (client.headers["content-type"], client.headers["connection"]) == (kind, "close")
        assert app.was_left == 1


def test_bytes_buy_time() -> None:
    """At the least rate a body comes through, however long it takes."""
    app, client = Reader(), Client(3 * len(PIECE))
    original = client.receive

    async def slowly() -> Message:
        await asyncio.sleep(0.06)
        return await original()

    client.receive = slowly  # type: ignore[method-assign]
    pace = Pace(grace=0.1, rate=len(PIECE) * 10)
    assert client.ask(scope(), BodyCaps(app, pace)) == 200


def test_programs_are_told_that_a_length_is_missing() -> None:
    app, client = Reader(), Client(10)
    assert client.ask(scope("/api/v1/me/", transfer_encoding="chunked"), BodyCaps(app, QUICK)) == 411
    assert app.count == 0


def test_only_so_many_large_bodies_at_once() -> None:
    async def story() -> list[int]:
        app = Reader()
        app.holds = asyncio.Event()
        caps = BodyCaps(app, QUICK)
        asked = scope("/images/upload", content_length=str(2 << 20))
        first = [Client(2 << 20) for _ in range(MOST_AT_ONCE)]
        tasks = [asyncio.create_task(caps(asked, each.receive, each.send)) for each in first]
        await asyncio.sleep(0)
        late, small = Client(2 << 20, stops_at=0), Client(100)
        await caps(asked, late.receive, late.send)
        app.holds.set()
        await caps(scope(), small.receive, small.send)
        await asyncio.gather(*tasks)
        again = Client(2 << 20)
        await caps(asked, again.receive, again.send)
        return [each.said[0]["status"] for each in (*first, late, small, again)]

    assert run(story()) == [200] * MOST_AT_ONCE + [503, 200, 200]


def test_who_leaves_is_not_answered() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    app, client = Reader(), Client(10)
    run(BodyCaps(app)(scope(), gone, client.send))
    assert (app.was_left, client.said) == (1, [])


def test_every_name_with_a_larger_limit_is_an_address() -> None:
    at: dict[str, dict[str, Any]] = {name: {"domain": "example.org"} for name in LARGER if "import" in name}
    at |= {name: {"organization_id": 1} for name in LARGER if "organization" in name}
    for name in LARGER:
        path = reverse(name, kwargs=at.get(name, {}))
        assert limit_of(scope(path)) == LARGER[name]
        assert limit_of({**scope("/below" + path), "root_path": "/below"}) == LARGER[name]


@pytest.fixture
def server(spool: Path) -> Iterator[int]:
    """The whole application behind a real uvicorn."""
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_level="error"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    running.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_a_real_server_stops_reading_and_leaves_nothing_on_disk(server: int, spool: Path) -> None:
    head = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n" % len(PIECE) + PIECE + b"\r\n"
    seen: set[str] = set()
    with socket.create_connection(("127.0.0.1", server), 10) as line:
        line.settimeout(5)
        line.sendall(head)
        sent = 0
        end = time.monotonic() + 10
        while sent < HUGE and time.monotonic() < end:
            try:
                line.sendall(chunk)
            except (ConnectionError, TimeoutError):
                break
            sent += len(PIECE)
            seen |= set(files_in(spool))
    assert sent < 64 << 20
    assert seen == set()


def test_a_real_server_answers_who_asks_first(server: int, spool: Path) -> None:
    head = b"POST /api/v1/images/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n" % HUGE
    with socket.create_connection(("127.0.0.1", server), 10) as line:
        line.settimeout(5)
        line.sendall(head + b"Expect: 100-continue\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}") and (piece := line.recv(1 << 16)):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in answer
    assert b'"code":"too_large"' in answer
    assert files_in(spool) == []
