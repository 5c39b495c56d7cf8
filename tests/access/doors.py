"""Which forms stand behind which buttons, and where free text may be written.

Every form of the panel is named here, and every parameter that a page reads from its address.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django import forms

import panel.web
from panel.web import (
    account,
    account_tokens,
    address,
    ask,
    domains,
    mailboxes,
    organizations,
    repositories,
    requests,
    sign_in,
)

FORMS: dict[str, type[forms.Form]] = {
    "sign-in": sign_in.LinkForm,
    "ask": ask.AskForm,
    "account-password": account.PanelPasswordForm,
    "account-tokens": account_tokens.TokenForm,
    "organization-new": organizations.OrganizationForm,
    "organization-quotas": organizations.QuotaForm,
    "member-add": organizations.MemberForm,
    "domain-new": domains.DomainForm,
    "domain-settings": domains.SettingsForm,
    "repository-new": repositories.RepositoryForm,
    "repository-drift-mode": repositories.DriftForm,
    "address-new": mailboxes.MailboxForm,
    "addresses-offered": mailboxes.OfferForm,
    "address-target-add": address.TargetForm,
    "address-passphrase": address.PassphraseForm,
    "address-note": address.NoteForm,
    "request-refuse": requests.ReasonForm,
}
# Forms that no row of the table sends: they are tried beside their sisters.
SISTERS = {sign_in.PasswordForm, mailboxes.AliasForm}

# Buttons that name a thing or a choice; nothing typed in them can be kept.
BUTTONS = {
    "organization-switch": ("organization",),
    "repository-pin": ("fingerprint", "host_name"),
    "repository-drift-mode": ("mode",),
    "address-switch": ("on",),
    "address-target-remove": ("address",),
    "address-target-again": ("address",),
    "run-agree": ("checksum",),
    "findings-decide": ("decision", "unit"),
}

# (route, field) → whether it holds several lines.
FREE_TEXT = {
    ("ask", "message"): True,
    ("request-refuse", "reason"): True,
    ("account-tokens", "name"): False,
    ("organization-new", "name"): False,
    ("address-new", "note"): False,
    ("address-note", "note"): False,
}
PASSWORDS = {("account-password", "password")}

# Parameters in the addresses of pages, by the page that reads them.
QUERIES: dict[str, tuple[str, ...]] = {
    "sign-in": ("next",),
    "autoconfig": ("emailaddress",),
    "activity": ("domain", "actor", "verb", "before"),
    "domain-activity": ("before",),
    "runs": ("domain", "before"),
    "requests": ("before",),
    "domain-requests": ("before",),
    "search": ("q",),
    "findings": ("only", "after", "before"),
    "addresses": ("q", "only", "after", "before", "trashed", "switched-off"),
    "address": ("removed", "switched", "before"),
    "address-row": ("look",),
    "address-new": ("kind", "name"),
}
# Read by buttons, too: an Undo is a button whose fields stand in its address.
IN_BUTTONS = {"on", "organization", "address"}


def all_forms() -> set[type[forms.Form]]:
    found: set[type[forms.Form]] = set()
    pending: list[Any] = [forms.Form]
    while pending:
        for each in pending.pop().__subclasses__():
            pending.append(each)
            if each.__module__.startswith("panel.web"):
                found.add(each)
    return found


def parameters_read() -> set[str]:
    """The names that the sources of the pages take out of `request.GET`."""
    folder = Path(panel.web.__file__).parent
    source = "\n".join(path.read_text() for path in folder.glob("*.py"))
    return set(re.findall(r'request\.GET\.get\("([\w-]+)"', source))
