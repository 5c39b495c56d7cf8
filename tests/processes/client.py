"""A program and a browser that talk to a real web process."""

from __future__ import annotations

import http.client
import json
import re
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Visitor:
    """Keeps cookies as a browser does. With `key` it is a program and sends it with every request."""

    base: str
    key: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        if self.key:
            sent["Authorization"] = f"Bearer {self.key}"
        began = time.monotonic()
        address = urlsplit(self.base)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        with closing(connection):
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            # Some pages never end; what comes first is enough.
            endless = "event-stream" in (answer.headers["Content-Type"] or "")
            text = b"" if endless else answer.read(200_000)
        return Answer(answer.status, answer.headers, text.decode(), time.monotonic() - began)

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, page: str = "", **fields: str) -> Answer:
        """Press the button of a form that stands on `page` (the same address unless said)."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page or path).body)
        assert found, f"there is no form on {page or path}"
        body = urlencode({"csrfmiddlewaretoken": found[1], **fields})
        kind = "application/x-www-form-urlencoded"
        return self.ask("POST", path, body, Origin=self.base, **{"Content-Type": kind})

    def call(self, method: str, path: str, /, **data: Any) -> Answer:
        """An operation of the API; fails unless it says that it was done."""
        body = json.dumps(data) if data else None
        answer = self.ask(method, f"/api/v1/{path}", body, **{"Content-Type": "application/json"})
        assert answer.status < 300, (method, path, answer.status, answer.body)
        return answer
