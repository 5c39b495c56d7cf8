"""What logs must not tell: links that sign in, confirm or follow; programs' keys; hashes of passphrases."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from hypothesis import given
from hypothesis import strategies as st

from panel.logs import MASK, JsonLines, mask
from tenants import log_context
from tenants.models import ApiToken
from tenants.tokens import new_token
from tests.conftest import HASH

ROOT = Path(__file__).resolve().parents[2]
SECRET_ARGUMENTS = {"token", "page_token"}


@contextmanager
def listening(name: str) -> Iterator[io.StringIO]:
    """Everything a logger says, by a handler of somebody else's making."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logger = logging.getLogger(name)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            yield from routes(each, prefix + (f"{each.namespace}:" if each.namespace else ""))
        else:
            yield f"{prefix}{each.name}", each


SECRET_ROUTES = sorted(
    (name, argument)
    for name, route in routes()
    for argument in SECRET_ARGUMENTS & route.pattern.converters.keys()
)


def test_there_are_routes_with_secrets() -> None:
    assert len(SECRET_ROUTES) >= 8
    assert ("sign-in-link", "token") in SECRET_ROUTES


@pytest.mark.parametrize(("name", "argument"), SECRET_ROUTES)
def test_every_address_with_a_secret_is_masked(name: str, argument: str) -> None:
    token = new_token()
    path = reverse(name, kwargs={argument: token})
    for text in (
        path,
        quote(path, safe=""),
        f"GET {path}?x=1 HTTP/1.1",
        f"http://127.0.0.1{path}",
        f"'{path}'",
    ):
        assert token not in mask(text)
        assert MASK in mask(text)
    # A mistyped or cut link is as secret as the rest of it.
    assert "abc-12" not in mask(path.replace(token, "abc-12"))


def test_what_is_no_secret_stays() -> None:
    for text in (
        "GET /sign-in HTTP/1.1",
        "/asked/confirm",
        "/api/v1/public/requests/confirm/",
        "commit ca82a6dff817ec66f44342007202690a93763949",
        "plan " + "ab12" * 16,
        "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDX7zPjNhBmQ7nRk1M",
        "tests/web/test_account.py::test_setting_a_panel_password_keeps_this_session_and_ends_others",
    ):
        assert mask(text) == text


@given(st.binary(min_size=32, max_size=32), st.text(max_size=20), st.text(max_size=20))
def test_no_key_survives_wherever_it_stands(raw: bytes, before: str, after: str) -> None:
    import base64

    key = ApiToken.PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert key not in mask(f"{before} {key} {after}")
    assert mask(mask(f"{before} {key} {after}")) == mask(f"{before} {key} {after}")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/sign-in/{}", "/asked/{}", "/confirm/{}", "/asked/confirm/{}/x", "/nowhere/{}"]
)
def test_djangos_own_warnings_hold_no_link(client: Client, path: str) -> None:
    token = new_token()
    with listening("django.request") as said:
        assert client.get(path.format(token)).status_code == 404
    assert said.getvalue().startswith("Not Found: /")
    assert token not in said.getvalue()


@pytest.mark.django_db
def test_what_a_client_sends_wrongly_is_no_error_of_ours(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    many = "&".join(f"f{number}=1" for number in range(1001))
    for logger, path, host in (
        ("django.security.DisallowedHost", "/sign-in", "evil.example"),
        ("django.security.TooManyFieldsSent", f"/sign-in?{many}", "localhost"),
    ):
        caplog.clear()
        with listening(logger) as said, caplog.at_level("DEBUG", logger):
            assert client.get(path, headers={"host": host}).status_code == 400
        assert [each.levelname for each in caplog.records if each.name == logger] == ["WARNING"]
        assert said.getvalue()
        assert "Traceback" not in said.getvalue()
    with listening("django.request") as said:
        assert client.post("/sign-in", b"x", content_type="multipart/form-data").status_code == 400
    assert "Unable to parse" in said.getvalue()
    assert "Traceback" not in said.getvalue()


def test_tracebacks_hold_no_secret() -> None:
    token, key = new_token(), new_token(ApiToken.PREFIX)
    with listening("rookery.test") as said:
        try:
            raise LookupError(f"no /sign-in/{token} with {key} and {HASH}")
        except LookupError as error:
            logging.getLogger("rookery.test").exception("it failed: %s", error)
    shown = said.getvalue()
    assert shown.count("Traceback") == 1
    assert "test_tracebacks_hold_no_secret" in shown
    for secret in (token, key, HASH):
        assert secret not in shown


def test_arguments_stay_apart_for_formatters_that_want_them() -> None:
    token = new_token()
    record = logging.getLogger("uvicorn.access").makeRecord(
        "uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d',
        ("127.0.0.1:1", "GET", f"/confirm/{token}", "1.1", 200), None,
    )  # fmt: skip
    assert record.args == ("127.0.0.1:1", "GET", f"/confirm/{MASK}", "1.1", 200)
    assert record.getMessage() == f'127.0.0.1:1 - "GET /confirm/{MASK} HTTP/1.1" 200'


def test_arguments_that_do_not_fit_are_not_printed_raw() -> None:
    token = new_token()
    with listening("rookery.test") as said:
        logging.getLogger("rookery.test").warning("/confirm/%s and %d", token, "none")
    assert token not in said.getvalue()
    assert "do not fit" in said.getvalue()


def test_the_web_servers_access_log_holds_no_link(tmp_path: Path) -> None:
    """The real server as a stranger would start it; without a database each page is a traceback too."""
    token = new_token()
    port = _free_port()
    environment = {**os.environ, "ROOKERY_DATA": str(tmp_path), "ROOKERY_PORT": str(port)}
    environment.pop("ROOKERY_LOG_LEVEL", None)
    words = [sys.executable, "-m", "uvicorn", "panel.asgi:application", "--port", str(port)]
    server = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        statuses = [
            _status(port, path) for path in (f"/sign-in/{token}", f"/asked/{token}?a=%2Fconfirm%2F{token}")
        ]
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=20)
    assert statuses == [500, 500]
    assert re.search(r'"GET /sign-in/\*\*\* HTTP/1.1" 500', said), said
    assert "Traceback" in said
    assert token not in said


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _status(port: int, path: str) -> int:
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.django_db
def test_no_address_with_a_secret_is_told_as_referrer(client: Client) -> None:
    token = new_token()
    for name, argument in SECRET_ROUTES:
        answer = client.get(reverse(name, kwargs={argument: token}))
        # Not no-referrer: browsers would then send forms with the origin "null", which CSRF refuses.
        assert answer["Referrer-Policy"] == "strict-origin", name
        assert b'name="referrer"' not in answer.content, "a page's own word would count more"
    assert client.get(f"/sign-in/{token}/cut/wrongly")["Referrer-Policy"] == "strict-origin"
    assert client.get("/sign-in")["Referrer-Policy"] == "same-origin"


def json_line(**given: object) -> dict[str, object]:
    record = logging.getLogRecordFactory()("a.b", logging.INFO, "", 1, "said %s", ("ä",), None)
    record.__dict__.update(given)
    line = JsonLines().format(record)
    assert "\n" not in line
    return dict(json.loads(line))


def test_structured_lines_tell_for_whom() -> None:
    with log_context.working_for(request="f" * 32):
        with log_context.working_for(target=7):
            log_context.add(run=9)
            line = json_line()
            assert (line["message"], line["level"], line["logger"]) == ("said ä", "info", "a.b")
            assert (line["request"], line["target"], line["run"]) == ("f" * 32, 7, 9)
        assert "run" not in json_line()
    log_context.add(run=1)
    assert "run" not in json_line()
    assert json_line(request=SimpleNamespace(request_id="a" * 32))["request"] == "a" * 32


def test_structured_lines_are_masked_whole() -> None:
    token = new_token()
    line = json_line(
        exc_text=f"Traceback\n/sign-in/{token}", told={"route": f"/sign-in/{token}", "status": 200}
    )
    assert token not in json.dumps(line)
    assert line["status"] == 200


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("cannot connect to postgresql://rookery:swordfish@db.example.org/rookery", "swordfish"),
        ("redis://:sword:fish@broker:6379/0 is away", "fish"),
        ("curl -H 'Authorization: Bearer abcdefgh12345678'", "abcdefgh12345678"),
        (
            "key 5ZQmFj0S2Zt9bQv2mX8xg7Yl1a3QmA8kq2n6y0z+/Pw= of a zone",
            "5ZQmFj0S2Zt9bQv2mX8xg7Yl1a3QmA8kq2n6y0z",
        ),
    ],
)
def test_passwords_and_keys_are_masked(text: str, secret: str) -> None:
    masked = mask(text)
    assert secret not in masked
    assert mask(masked) == masked
    assert masked.split()[0].split(":")[0] == text.split(maxsplit=1)[0].split(":", maxsplit=1)[0]


@pytest.mark.django_db
def test_a_request_is_one_structured_line_by_its_template(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOG_FORMAT = "json"
    monkeypatch.setattr(logging.getLogger("panel.access"), "level", logging.INFO)
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("panel.access")
    logger.addHandler(handler)
    try:
        answer = Client().get(f"/sign-in/{new_token()}")
    finally:
        logger.removeHandler(handler)
    line = json.loads(said.getvalue())
    assert (line["method"], line["route"]) == ("GET", "/sign-in/<str:token>")
    assert line["status"] == answer.status_code
    assert line["request"] == answer["X-Request-Id"]
