"""How to set up a mail program for an address, and a test mail to see that it works."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from panel.web.address_state import WORKS
from panel.web.crumbs import address_crumbs
from panel.web.fields import show
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.standing import address_standing
from tenants import access
from tenants.actions import test_mail
from tenants.errors import Conflict
from tenants.models import Mailbox

# ptt's submission listens with TLS from the first byte on this port only (RFC 8314).
SUBMISSION_PORT = 465
_LONGEST_NOTE = 1 << 20


@dataclass(frozen=True)
class SandboxServer:
    """Where the sandbox's submission server for one domain really listens."""

    host: str
    port: int
    ca_file: str


def sandbox_server(domain: str, path: Path | None = None) -> SandboxServer | None:
    """Read the note that the sandbox leaves about its servers; None without one, or for another domain."""
    path = path or settings.DATA_DIR / "sandbox" / "addresses.json"
    try:
        with path.open("rb") as file:
            note: Any = json.loads(file.read(_LONGEST_NOTE))
        host, port = note["domains"][domain]["submission"]
        return SandboxServer(str(host), int(port), str(note.get("ca_file", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


@page(methods=("GET", "HEAD", "POST"))
def mail_program(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    actor = actor_of(request)
    mailbox = access.get(actor, Mailbox, domain__name=domain, local_part=local_part, trashed_at=None)
    if request.method == "POST":
        return _send_test(request, mailbox)
    standing = address_standing(mailbox)
    context = {
        "mailbox": mailbox,
        "domain": mailbox.domain,
        "host": mailbox.domain.mail_program_host,
        "port": SUBMISSION_PORT,
        "standing": standing,
        "works": standing.state == WORKS,
        "sentence": standing.sentence(str(mailbox), timezone.now()),
        "may_test": access.may(actor, access.Verb.CHANGE, mailbox),
        "is_alias": mailbox.kind == Mailbox.Kind.ALIAS,
        "crumbs": address_crumbs(actor, mailbox, "Mail program"),
        "is_mine": access.holds(actor, mailbox),
        "server": sandbox_server(mailbox.domain.name) if settings.SANDBOX else None,
        "confirmed": [row for row in mailbox.targets.all() if row.confirmed_at],
    }
    return show(request, "account/mail-program.html", context)


def _send_test(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    try:
        test_mail.send_test_mail(actor=actor_of(request), mailbox=mailbox)
    except Conflict as error:
        refuse(request, error)
    else:
        tell(request, f"A test mail to {mailbox} is on its way. It arrives where the mail of it is read.")
    return redirect("mail-program", domain=mailbox.domain.name, local_part=mailbox.local_part)
