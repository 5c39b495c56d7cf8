"""A program that is told by a webhook, and cannot take it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.browser.visitor import Visitor


class _Failing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(500)
        self.end_headers()
        self.wfile.write(b"<b>The desk is closed.</b>")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def failing_program() -> Iterator[str]:
    """Its address, on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()


def tell_a_program(owner: Visitor) -> dict[str, str]:
    """Add a webhook to such a program and send it a test; the pages of both, by the names of their routes."""
    page = owner.open("/webhooks/new")
    with failing_program() as url:
        page.get_by_label("Name", exact=True).fill("Chat")
        page.get_by_label("Address of your program").fill(url)
        page.get_by_role("textbox", name="Events").fill("organization.created")
        owner.press("Add it")
        owner.open("/webhooks")
        owner.press("Chat", role="link")
        webhook = page.url.removeprefix(owner.url)
        owner.press("Send a test")
        delivery = page.url.removeprefix(owner.url)
        owner.open_until(delivery, page.get_by_text("Its server answered 500."))
    return {"webhook": webhook, "webhook-delivery": delivery}
