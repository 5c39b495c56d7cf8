"""Requests to the API: a token, an Idempotency-Key for each write, a time limit, and a few tries.

A redirect is never followed: the token would go along.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from panel.cli.failures import UNREACHABLE, Failure, Refused
from panel.cli.place import Place

API = "/api/v1/"
SECONDS = 30.0
TRIES = 4
LARGEST_ANSWER = 32 * 1024 * 1024
# A server that is busy says how long; nobody waits longer for one try than this.
LONGEST_PAUSE = 20.0
_AGAIN = {429, 502, 503, 504}
_JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    value: Any = None

    @property
    def monitor(self) -> str:
        """Where to go on waiting for the proof of a write; empty when there is nothing to wait for."""
        address, _, rest = self.headers.get("link", "").partition(">")
        return address.removeprefix("<") if 'rel="monitor"' in rest else ""


@dataclass
class Client:
    """Speaks to one Rookery."""

    place: Place
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        data: bytes | None = None,
        media_type: str = _JSON,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `path` is below the API or an absolute one. Raises Refused and Failure.

        Reading, and writes with a `key`, are tried again when the connection broke or the server was busy:
        they are done once all the same.
        """
        target = path if path.startswith("/") else f"{urlsplit(self.place.url).path}{API}{path}"
        if query:
            target += ("&" if "?" in target else "?") + urlencode(query, doseq=True)
        sent = {"Accept": _JSON, "User-Agent": "rookery", **(headers or {})}
        if self.place.token:
            sent["Authorization"] = f"Bearer {self.place.token}"
        if key:
            sent["Idempotency-Key"] = key
        if data is None and body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = media_type
        tries = TRIES if method == "GET" or key else 1
        return self._try(method, target, data, sent, tries)

    def _try(
        self, method: str, target: str, data: bytes | None, sent: Mapping[str, str], tries: int
    ) -> Answer:
        for number in range(1, tries + 1):
            try:
                answer = self._once(method, target, data, sent)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if number == tries or isinstance(error, ssl.SSLCertVerificationError):
                    raise Failure(_unreachable(self.place.url, error, method), UNREACHABLE) from error
                pause(min(0.25 * 2**number, LONGEST_PAUSE))
                continue
            if answer.status in _AGAIN and number < tries:
                pause(_seconds(answer.headers.get("retry-after", ""), 0.25 * 2**number))
                continue
            return _checked(answer)
        raise AssertionError("every try ends")

    def _once(self, method: str, target: str, data: bytes | None, sent: Mapping[str, str]) -> Answer:
        connection = self._connection or self._connect()
        self._connection = connection
        connection.request(method, target, data, dict(sent))
        response = connection.getresponse()
        content = response.read(LARGEST_ANSWER + 1)
        if len(content) > LARGEST_ANSWER:
            self.close()
            raise Failure("The answer is larger than 32 MiB. Ask for less.", UNREACHABLE)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, _read(response.status, headers, content))

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.place.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, parts.port, timeout=SECONDS, context=context)
        return http.client.HTTPConnection(host, parts.port, timeout=SECONDS)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def rows(self, path: str, query: Mapping[str, Any], most: int) -> tuple[list[Any], bool]:
        """At most `most` rows of a list, page by page, and whether there are more."""
        found: list[Any] = []
        for page in self._pages(path, {**query, "limit": max(1, min(200, most))}):
            found += page.get("results", [])
            if len(found) >= most:
                return found[:most], len(found) > most or bool(page.get("next"))
        return found, False

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        asked: set[str] = set()
        page = self.ask("GET", path, query=query).value
        while True:
            page = page if isinstance(page, dict) else {}
            yield page
            following = urlsplit(str(page.get("next") or ""))
            # The server's own words lead to its own addresses only, and to none of them twice.
            address = f"{following.path}?{following.query}"
            if not following.path.startswith("/") or address in asked:
                return
            asked.add(address)
            page = self.ask("GET", address).value


def pause(seconds: float) -> None:
    time.sleep(seconds)


def new_key() -> str:
    return str(uuid.uuid4())


def _seconds(said: str, otherwise: float) -> float:
    return min(float(said) if said.isascii() and said.isdigit() else otherwise, LONGEST_PAUSE)


def _read(status: int, headers: Mapping[str, str], content: bytes) -> Any:
    media_type = headers.get("content-type", "").partition(";")[0]
    if not content or not media_type.endswith("json"):
        return content.decode("utf-8", "replace") or None
    try:
        return json.loads(content)
    except ValueError as error:
        raise Failure(f"The server answered {status} with broken JSON.", UNREACHABLE) from error


def _checked(answer: Answer) -> Answer:
    if answer.status < 300:
        return answer
    if answer.status < 400:
        raise Failure("This address leads elsewhere. Is it the one of the panel?", UNREACHABLE)
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    raise Refused(answer.status, answer.value if is_problem and isinstance(answer.value, dict) else {})


def _unreachable(url: str, error: Exception, method: str) -> str:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    unsure = "" if method == "GET" else " Whether it was done is not known: look before you ask again."
    return f"{url} does not answer: {why}.{unsure}"
