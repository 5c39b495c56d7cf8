"""Small helpers of the tests of pages: read mails that are owed, press buttons, sign in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from panel.fresh import stamp
from tenants.models import Account, Mailbox, OutgoingMail, SyncTarget
from tenants.secrets import Opener, Purpose

BACKEND = "django.contrib.auth.backends.ModelBackend"


def mails_to(address: str) -> list[str]:
    """Bodies of the mails owed to `address`, oldest first, opened as a worker does."""
    opener = Opener()
    rows = OutgoingMail.objects.filter(recipient=address).order_by("pk")
    return [opener.open(Purpose.MAIL_BODY, bytes(row.sealed_body)) for row in rows if row.sealed_body]


def link_in(body: str, below: str) -> str:
    """The path of the only link in a mail that begins with `below`."""
    found = re.findall(re.escape(settings.BASE_URL + below) + r"[A-Za-z0-9_-]+", body)
    assert len(found) == 1, body
    return str(found[0]).removeprefix(settings.BASE_URL)


def signed_in(account: Account | None) -> Client:
    """A browser in which this person has just signed in."""
    client = Client()
    assert account is not None
    client.force_login(account, backend=BACKEND)
    session = client.session
    stamp(session)
    session.save()
    return client


def text_of(response: Any) -> str:
    """What a person reads: without tags, with single spaces."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", body)).split())


def prove(mailbox: Mailbox) -> SyncTarget:
    """What a worker writes down after the outside was read back and taken up."""
    target = SyncTarget.objects.get(repository__domain=mailbox.domain)
    SyncTarget.objects.filter(pk=target.pk).update(
        observed_generation=target.generation, observed_at=target.marked_at, checked_at=target.marked_at
    )
    target.refresh_from_db()
    return target


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def check_page(response: Any) -> None:
    """What holds for every page: one h1, a title, no id twice, a label for each input, nothing inline."""
    body = response.content.decode()
    outline = _Outline()
    outline.feed(body)
    assert [tag for tag, _ in outline.tags].count("h1") == 1
    title = re.search(r"<title>(.*?) · Rookery</title>", body)
    assert title
    assert title.group(1).strip() not in {"", "Rookery"}
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids)), sorted(each for each in ids if ids.count(each) > 1)
    labelled = {attrs.get("for") for tag, attrs in outline.tags if tag == "label"}
    for tag, attrs in outline.tags:
        assert "style" not in attrs
        assert not any(name.startswith("on") for name in attrs), attrs
        assert tag != "script" or "src" in attrs
        if tag == "form" and attrs.get("method") == "post":
            assert "csrfmiddlewaretoken" in body
        hidden = attrs.get("type") in {"hidden", "checkbox", "radio"} or attrs.get("aria-hidden") == "true"
        if tag in {"input", "select", "textarea"} and not hidden:
            assert attrs.get("id") in labelled, attrs


@contextmanager
def nothing_written() -> Iterator[None]:
    """Inside, the database is only read."""
    with CaptureQueriesContext(connection) as queries:
        yield
    for query in queries.captured_queries:
        assert query["sql"].split()[0] in {"SELECT", "SAVEPOINT", "RELEASE", "BEGIN"}, query["sql"]
