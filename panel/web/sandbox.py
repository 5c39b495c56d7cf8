"""The sandbox's mailboxes, readable by anybody on this machine. There is no such page outside the sandbox."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

from panel import maildrop
from panel.web.fields import show
from panel.web.handling import actor_of, page
from panel.web.repositories import sandbox_told
from panel.web.sandbox_told import albatross_told
from tenants.errors import Absent
from tenants.sandbox_note import sandbox_door, sandbox_note

SHOWN_PER_ADDRESS = 20
SHOWN_ADDRESSES = 200
DNS_PORT = 53


@dataclass(frozen=True)
class Piece:
    """A part of a mail's text; `url` is set when it is a link to a page of this panel."""

    text: str
    url: str = ""


@dataclass(frozen=True)
class Listed:
    summary: maildrop.MailSummary
    url: str


@dataclass(frozen=True)
class Box:
    address: str
    mails: list[Listed]


def linked(text: str, base_url: str) -> list[Piece]:
    """Split text so that links to pages below `base_url`, and nothing else, can be pressed."""
    ours = re.compile(rf"(?<![\w/@.:-]){re.escape(base_url)}(?:/[A-Za-z0-9_~/%?=&.+-]*)?(?![\w@:])")
    pieces: list[Piece] = []
    last = 0
    for match in ours.finditer(text):
        url = match.group().rstrip(".?")
        pieces += [Piece(text[last : match.start()]), Piece(url, url)]
        last = match.start() + len(url)
    return [piece for piece in (*pieces, Piece(text[last:])) if piece.text]


def _require_sandbox(request: HttpRequest) -> None:
    ip = actor_of(request).ip
    if not settings.SANDBOX or ip is None or not ipaddress.ip_address(ip).is_loopback:
        raise Absent


def name_server_told() -> dict[str, Any] | None:
    """What the sandbox says about its name servers; the key is a toy's, for this machine's own addresses."""
    try:
        told = sandbox_note(65_536)["primary"]
        (host, port), (above, above_port) = told["address"], told["above"]
        words = {name: str(told[name]) for name in ("zone", "path", "branch", "root_key")}
        flags = "" if port == DNS_PORT else f" -p {int(port)}"
        above_flags = "" if above_port == DNS_PORT else f" -p {int(above_port)}"
        return {
            **words,
            "host": str(host),
            "port": int(port),
            "door": sandbox_door(),
            "above": str(above),
            "dig": f"dig @{host}{flags} {words['zone']} MX",
            "dig_above": f"dig @{above}{above_flags} {words['zone']} NS",
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


@page(signed_in=False)
def sandbox_mail(request: HttpRequest) -> HttpResponse:
    _require_sandbox(request)
    folder = settings.SANDBOX_MAIL_DIR
    addresses = maildrop.list_addresses(folder)[:SHOWN_ADDRESSES]
    boxes = sorted((_box(folder, address) for address in addresses), key=_newest, reverse=True)
    context = {
        "boxes": boxes,
        "host_name": "Sandbox",
        "git": sandbox_told(),
        "names": name_server_told(),
        "albatross": albatross_told(),
    }
    return show(request, "public/sandbox-mail.html", context)


def _box(folder: Path, address: str) -> Box:
    found = maildrop.list_mails(folder, address, limit=SHOWN_PER_ADDRESS)
    return Box(address, [Listed(each, url) for each in found if (url := _url_of(address, each.key))])


def _newest(box: Box) -> float:
    """When the latest mail of a mailbox arrived, as seconds; mailboxes without one come last."""
    return max((each.summary.kept_at.timestamp() for each in box.mails), default=0.0)


@page(signed_in=False)
def sandbox_letter(request: HttpRequest, address: str, key: str) -> HttpResponse:
    _require_sandbox(request)
    try:
        mail = maildrop.read_mail(settings.SANDBOX_MAIL_DIR, address, key)
    except (maildrop.NoSuchMailError, ValueError) as error:
        raise Absent from error
    context = {
        "mail": mail,
        "address": address,
        "pieces": linked(mail.text, settings.BASE_URL),
        "host_name": "Sandbox",
    }
    return show(request, "public/sandbox-letter.html", context)


def _url_of(address: str, key: str) -> str:
    try:
        return reverse("sandbox-letter", kwargs={"address": address, "key": key})
    except NoReverseMatch:
        return ""
