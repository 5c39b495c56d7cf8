"""Cautions as pages draw them: a badge, a word, the sentence, and the button of whoever may accept a risk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from panel.web import times
from tenants import access
from tenants.actor import Actor
from tenants.cautions import Caution, address_cautions
from tenants.formats.exchanges import shared_pairs
from tenants.guards import Guards, known_exchanges
from tenants.models import Mailbox, TargetAddress

WORDS = {
    "shared-exchange": "Mixed up",
    "loop": "Goes in a circle",
    "reused-passphrase": "Passphrase used twice",
    "exchange-checking": "Checking",
    "exchange-shared": "Not written",
    "exchange-accepted": "Risk accepted",
    "no-mx": "No mail server",
    "null-mx": "Takes no mail",
    "no-domain": "No such domain",
    "no-answer": "No answer",
    "hosted-here": "Your own domain",
    "strict-dmarc": "Strict DMARC",
}
_BADGES = {"exchange-checking": "live", "strict-dmarc": "off", "hosted-here": "off", "no-answer": "wait"}


def caution_line(each: Caution, now: datetime) -> dict[str, Any]:
    """One caution, ready to be drawn."""
    return {
        "code": each.code,
        "badge": "fail" if each.serious else _BADGES.get(each.code, "todo"),
        "word": WORDS[each.code],
        "sentence": each.sentence,
        "since": times.moment(each.since, now),
        "addresses": each.addresses,
    }


def caution_lines(actor: Actor, mailbox: Mailbox, now: datetime) -> list[dict[str, Any]]:
    """All of one address. `accept` names the target whose risk this person may accept."""
    rows = list(mailbox.targets.all())
    guards = Guards.about((row.host for row in rows), mailbox.domain.organization_id)
    may_accept = access.may(actor, access.Verb.MANAGE, mailbox)
    found = address_cautions(actor, mailbox, guards)
    return [
        {**caution_line(each, now), "accept": _acceptable(each, rows, guards) if may_accept else ""}
        for each in found
    ]


def _acceptable(caution: Caution, rows: list[TargetAddress], guards: Guards) -> str:
    """Of a pair that flows already, the target that came later."""
    if caution.code == "exchange-shared":
        return caution.target
    if caution.code != "shared-exchange":
        return ""
    pairs = shared_pairs({row.host for row in rows}, known_exchanges(guards.facts))
    shared = {host for pair in pairs for host in (pair.first, pair.second)}
    free = [row for row in rows if row.host in shared and row.exchange == TargetAddress.Exchange.FREE]
    return max(free, key=lambda row: row.pk).address if free else ""
