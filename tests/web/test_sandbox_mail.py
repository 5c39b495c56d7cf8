"""The sandbox's mailboxes in the panel: there only in the sandbox, hostile text stays text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from panel.web.sandbox import Piece, linked
from tests.web.people import check_page, nothing_written, text_of

BASE = "http://localhost:8080"


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.SANDBOX = True
    settings.SANDBOX_MAIL_DIR = tmp_path
    settings.BASE_URL = BASE
    return tmp_path


def keep(folder: Path, address: str, text: str, *, subject: str = "Hello", number: int = 1) -> str:
    (folder / address / "new").mkdir(parents=True, exist_ok=True)
    key = f"{1_780_000_000_000_000_000 + number}.m{number}.host"
    (folder / address / "new" / key).write_text(
        f"From: rookery@localhost\nTo: {address}\nSubject: {subject}\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}"
    )
    return key


@pytest.mark.django_db
def test_mails_are_listed_and_read(client: Client, folder: Path) -> None:
    keep(folder, "ada@home.example", "first", subject="One", number=1)
    key = keep(folder, "ada@home.example", f"Open\n{BASE}/confirm/abc_-9.\nBye", subject="Two", number=2)
    with nothing_written():
        page = client.get("/sandbox/mail")
    check_page(page)
    shown = text_of(page)
    assert shown.index("Two") < shown.index("One")
    assert "readable by anybody on this machine" in shown
    assert f"/sandbox/mail/ada@home.example/{key}" in page.content.decode()
    page = client.get(f"/sandbox/mail/ada@home.example/{key}")
    check_page(page)
    assert f'<a href="{BASE}/confirm/abc_-9">{BASE}/confirm/abc_-9</a>.' in page.content.decode()


@pytest.mark.django_db
def test_the_mailbox_with_the_newest_mail_is_on_top(client: Client, folder: Path) -> None:
    keep(folder, "ada@home.example", "old", number=1)
    keep(folder, "zoe@home.example", "new", number=2_000_000_000)
    (folder / "empty@home.example" / "new").mkdir(parents=True)
    shown = text_of(client.get("/sandbox/mail"))
    order = [shown.index(f"{name}@home.example") for name in ("zoe", "ada", "empty")]
    assert order == sorted(order)


@pytest.mark.django_db
def test_an_empty_sandbox_says_how_to_begin(client: Client, folder: Path) -> None:
    page = client.get("/sandbox/mail")
    check_page(page)
    assert "No mail yet" in text_of(page)


@pytest.mark.django_db
def test_the_name_server_is_shown_with_the_words_to_ask_it(
    client: Client, folder: Path, settings: Any
) -> None:
    settings.SANDBOX_CONTROL = folder / "sandbox" / "control.sock"
    told = {
        "address": ["127.0.10.4", 53],
        "above": ["127.0.10.5", 1053],
        "zone": "handmade.example",
        "path": "zone.git",
        "branch": "main",
        "root_key": "panel._update:SHA256:c2VjcmV0",
    }
    (folder / "sandbox").mkdir()
    note = folder / "sandbox" / "addresses.json"
    note.write_text(json.dumps({"primary": told}))
    page = client.get("/sandbox/mail")
    check_page(page)
    shown = text_of(page)
    assert "dig @127.0.10.4 handmade.example MX" in shown
    assert "dig @127.0.10.5 -p 1053 handmade.example NS" in shown
    assert "panel._update:SHA256:c2VjcmV0" in shown
    note.write_text(json.dumps({"primary": {**told, "address": "<script>"}}))
    assert "dig @" not in text_of(client.get("/sandbox/mail"))


@pytest.mark.django_db
def test_hostile_mails_stay_text(client: Client, folder: Path) -> None:
    text = f"<script>alert(1)</script> javascript:alert(1) http://evil.example/ {BASE}@evil.example/"
    key = keep(folder, "ada@home.example", text, subject="<img src=x onerror=alert(1)>")
    for path in ("/sandbox/mail", f"/sandbox/mail/ada@home.example/{key}"):
        page = client.get(path)
        check_page(page)
        assert b"<script>alert" not in page.content
        assert b"<img" not in page.content
    links = page.content.decode().partition("<pre")[2].partition("</pre>")[0]
    assert "href" not in links


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["../../etc/passwd", "ada@home.example/..", "%2e%2e/x", "a/b/c", "%00/x"])
def test_nothing_outside_the_folder(client: Client, folder: Path, path: str) -> None:
    assert client.get(f"/sandbox/mail/{path}").status_code in {400, 404}


@pytest.mark.django_db
def test_there_is_no_such_page_outside_the_sandbox(client: Client, folder: Path, settings: Any) -> None:
    key = keep(folder, "ada@home.example", "secret")
    assert client.get("/sandbox/mail", REMOTE_ADDR="192.0.2.1").status_code == 404
    settings.SANDBOX = False
    assert client.get("/sandbox/mail").status_code == 404
    assert client.get(f"/sandbox/mail/ada@home.example/{key}").status_code == 404


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("no link", [Piece("no link")]),
        (f"{BASE}/a", [Piece(f"{BASE}/a", f"{BASE}/a")]),
        (f"see {BASE}/a?b=c.", [Piece("see "), Piece(f"{BASE}/a?b=c", f"{BASE}/a?b=c"), Piece(".")]),
        (f"{BASE}1/a", [Piece(f"{BASE}1/a")]),
        (f"{BASE}@evil.example/", [Piece(f"{BASE}@evil.example/")]),
        (f"http://evil.example/{BASE}/a", [Piece(f"http://evil.example/{BASE}/a")]),
        (
            f"{BASE}/a {BASE}/b",
            [Piece(f"{BASE}/a", f"{BASE}/a"), Piece(" "), Piece(f"{BASE}/b", f"{BASE}/b")],
        ),
    ],
)
def test_only_links_to_us_can_be_pressed(text: str, pieces: list[Piece]) -> None:
    assert linked(text, BASE) == pieces
