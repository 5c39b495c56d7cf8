"""How answers are served: cookies and hosts."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.access.inline import unsafe

ROOT = Path(__file__).resolve().parents[2]
COOKIES = (
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "CSRF_COOKIE_HTTPONLY",
    "SECURE_HSTS_SECONDS",
)


@pytest.fixture
def tls(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    """As behind a proxy that ends TLS."""
    for name, value in {
        "ROOKERY_DATA": str(tmp_path),
        "ROOKERY_URL": "https://panel.example.org",
        "ROOKERY_BEHIND_PROXY": "1",
    }.items():
        monkeypatch.setenv(name, value)
    loaded = runpy.run_path(str(ROOT / "panel" / "settings.py"))
    for name in (*COOKIES, "SECURE_PROXY_SSL_HEADER", "ALLOWED_HOSTS"):
        setattr(settings, name, loaded[name])
    settings.SECURE_SSL_REDIRECT = True


HOST = {"host": "panel.example.org", "x-forwarded-proto": "https"}


@pytest.mark.django_db
def test_cookies_are_bound_to_this_host_and_tls(tls: None) -> None:
    client = Client()
    answer = client.get("/sign-in", headers=HOST)
    assert answer.status_code == 200
    assert set(client.cookies) == {"__Host-rookery_csrf"}
    cookie = client.cookies["__Host-rookery_csrf"]
    assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")
    assert (cookie["domain"], cookie["samesite"]) == ("", "Lax")
    assert answer["Strict-Transport-Security"] == "max-age=31536000"


def test_without_tls_one_is_sent_to_it_except_who_asks_whether_we_live(tls: None) -> None:
    answer = Client().get("/sign-in?next=/", headers={"host": "panel.example.org"})
    assert (answer.status_code, answer["Location"]) == (301, "https://panel.example.org/sign-in?next=/")
    assert Client().get("/healthz", headers={"host": "panel.example.org"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "panel.example.org.evil.example", "127.0.0.1", "a b", ""])
def test_another_name_is_refused(host: str, tls: None) -> None:
    answer = Client().get("/sign-in", headers={**HOST, "host": host, "x-forwarded-host": "panel.example.org"})
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


@pytest.mark.django_db
def test_what_is_answered_before_any_page_is_as_guarded(tls: None) -> None:
    """The way to TLS, static files and those that are not there, and a host that is not ours."""
    plain = {"host": "panel.example.org"}
    for path, headers, status in (
        ("/sign-in", plain, 301),
        ("/static/rookery.css", HOST, 200),
        ("/static/none.css", HOST, 404),
        ("/sign-in", {**HOST, "host": "evil.example"}, 400),
        ("/healthz", plain, 200),
    ):
        answer = Client().get(path, headers=headers)
        assert (answer.status_code, unsafe(answer)) == (status, []), path
        assert "Access-Control-Allow-Origin" not in answer
        answer.close()
    token = "a" * 43
    assert Client().get(f"/sign-in/{token}", headers=plain)["Referrer-Policy"] == "strict-origin"
