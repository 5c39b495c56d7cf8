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
    address_people,
    aliases,
    ask,
    certificate_uses,
    domain_rules,
    domains,
    expiry,
    firewall_form,
    fresh,
    git_hosts,
    holders,
    host_forms,
    image_feeds,
    image_fetches,
    images,
    invitations,
    mail_checks,
    mailbox_picker,
    mailboxes,
    organizations,
    own_account,
    preparations,
    readers,
    repositories,
    request_rules,
    requests,
    sign_in,
    signing_keys,
    stack_form,
    trash,
    unikernel_form,
    update_servers,
    way_out,
    zone_access,
    zone_mail,
    zone_places,
    zone_setup,
    zones,
)

FORMS: dict[str, type[forms.Form]] = {
    "sign-in": sign_in.LinkForm,
    "ask": ask.AskForm,
    "invited": ask.AskForm,
    "account-password": account.PanelPasswordForm,
    "account-tokens": account_tokens.TokenForm,
    "account-delete": own_account.DeleteForm,
    "organization-new": organizations.OrganizationForm,
    "organization-quotas": organizations.QuotaForm,
    "member-add": organizations.MemberForm,
    "domain-new": domains.DomainForm,
    "domain-settings": domains.SettingsForm,
    "trash-empty": trash.EmptyForm,
    "trash-days": trash.DaysForm,
    "address-delete": trash.DeleteForm,
    "repository-new": repositories.RepositoryForm,
    "git-host": git_hosts.KeysForm,
    "repository-drift-mode": repositories.DriftForm,
    "reader-link": readers.ReaderForm,
    "readers-pace": readers.PaceForm,
    "address-new": mailboxes.MailboxForm,
    "alias-new": aliases.AliasForm,
    "alias-deliveries": mailbox_picker.DeliveriesForm,
    "address-expiry": expiry.EndForm,
    "domain-alias-rules": domain_rules.AliasRulesForm,
    "domain-names": domain_rules.HeldNameForm,
    "addresses-offered": mailboxes.OfferForm,
    "address-target-add": address.TargetForm,
    "address-passphrase": address.PassphraseForm,
    "address-note": address.NoteForm,
    "address-own-note": address_people.OwnNoteForm,
    "address-holder-add": address_people.HolderForm,
    "address-hand-over": holders.HandOverForm,
    "address-delete-own": holders.TypedAgainForm,
    "request-refuse": requests.ReasonForm,
    "requests-refuse": requests.RefuseForm,
    "domain-request-rules": request_rules.RulesForm,
    "domain-invitations": invitations.InvitationForm,
    "domain-check-line": mail_checks.MuteForm,
    "record-set-edit": zones.RecordSetForm,
    "zone-settings": zones.SoaForm,
    "zone-place": zone_places.PlaceForm,
    "zone-mail": zone_mail.MailForm,
    "zone-new": zone_setup.ZoneForm,
    "zone-repository-new": zone_setup.ZoneRepositoryForm,
    "update-server-new": update_servers.UpdateServerForm,
    "update-server": update_servers.PlaceForm,
    "update-server-key": update_servers.UpdateKeyForm,
    "zone-keys": zone_access.KeyForm,
    "zone-servers": zone_access.SecondaryForm,
    "signing-keys": signing_keys.SigningKeyForm,
    "way-out-fetch": way_out.KeyForm,
    "host-new": host_forms.SshHostForm,
    "host-quota": host_forms.QuotaForm,
    "host-prepare": preparations.PreparationForm,
    "host-network-add": host_forms.NetworkForm,
    "host-public-add": host_forms.PublicAddressForm,
    "host-volume-add": host_forms.VolumeForm,
    "host-share": host_forms.ShareForm,
    "stack-new": stack_form.BlueprintForm,
    "host-firewall-rule-add": firewall_form.FirewallRuleForm,
    "host-firewall-rule": firewall_form.FirewallRuleForm,
    "image": images.ImageForm,
    "image-fetch": image_fetches.FetchForm,
    "image-feeds": image_feeds.FeedForm,
    "image-feed": image_feeds.FeedKindForm,
    "build-servers": image_fetches.BuildServerForm,
    "certificate-link": certificate_uses.CertificateUseForm,
    "unikernel-new": unikernel_form.UnikernelForm,
    "unikernel-change": unikernel_form.ChangeForm,
}
# Forms that no row of the table sends: they are tried beside their sisters.
SISTERS = {
    sign_in.PasswordForm,
    fresh.AgainForm,
    host_forms._HostForm,
    host_forms.TlsHostForm,
    host_forms.LocalHostForm,
    images.UploadForm,
}

# Buttons that name a thing or a choice; nothing typed in them can be kept.
BUTTONS = {
    "decide": ("decision",),
    "organization-switch": ("organization",),
    "git-host-prepare": ("plan",),
    "host-prepare-do": ("plan",),
    "stack-act": ("do", "phase", "name"),
    "repository-pin": ("fingerprint", "host_name"),
    "repository-drift-mode": ("mode",),
    "reader-link": ("unikernel", "role"),
    "record-set-stage": ("do", "owner", "type"),
    "zone-decide": ("unit", "decision"),
    "zone-freeze": ("on",),
    "zone-import": ("text", "do"),
    "zone-repository-pin": ("fingerprint", "host_name"),
    "zone-end": ("do", "name"),
    "zone-repository-drift": ("mode",),
    "zone-repository-take": ("decision", "unit", "all"),
    "update-server-drift": ("mode",),
    "address-switch": ("on",),
    "addresses-import": ("pasted",),
    "addresses-import-apply": ("digest",),
    "addresses-many": ("action", "pk"),
    "address-target-remove": ("address",),
    "address-target-again": ("address",),
    "address-target-accept": ("address",),
    "domain-check-again": ("check",),
    "domain-check-unmute": ("line",),
    "domain-check-elsewhere": ("on",),
    "address-holder-remove": ("email",),
    "run-agree": ("checksum",),
    "findings-decide": ("decision", "unit"),
    "host-pin": ("fingerprint", "host_name"),
    "host-drift-mode": ("mode",),
    "host-remove": ("host_name",),
    "host-firewall-isolate": ("on",),
    "host-firewall-drift": ("mode",),
    "image-share": ("with", "organizations"),
    "image-feed-take": ("sha256",),
    "image-feed-ignore": ("sha256",),
    "signing-key-switch": ("in_use",),
    "host-volume-delete": ("label",),
    "unikernel-delete": ("name",),
    "unikernel-name": ("add_name",),
    "certificate-link": ("certificate",),
    "host-found-decide": ("unit",),
}

# (route, field) → whether it holds several lines.
FREE_TEXT = {
    ("ask", "message"): True,
    ("invited", "message"): True,
    ("request-refuse", "reason"): True,
    ("requests-refuse", "reason"): True,
    ("domain-invitations", "note"): False,
    ("account-tokens", "name"): False,
    ("organization-new", "name"): False,
    ("address-new", "note"): False,
    ("alias-new", "note"): False,
    ("domain-names", "reason"): False,
    ("domain-check-line", "reason"): False,
    ("address-note", "note"): False,
    ("address-own-note", "own_note"): False,
    ("update-server-new", "name"): False,
    ("update-server", "name"): False,
    ("host-new", "name"): False,
    ("image", "name"): False,
    ("image", "era"): False,
    ("image", "note"): False,
    ("image-feeds", "era"): False,
    ("image-feed", "era"): False,
    ("image-fetch", "name"): False,
    ("image-fetch", "era"): False,
    ("image-fetch", "note"): False,
    ("build-servers", "note"): False,
    ("unikernel-new", "arguments"): True,
    ("unikernel-change", "arguments"): True,
}
PASSWORDS = {("account-password", "password")}

# Parameters in the addresses of pages, by the page that reads them.
QUERIES: dict[str, tuple[str, ...]] = {
    "sign-in": ("next",),
    "autoconfig": ("emailaddress",),
    "activity": ("domain", "actor", "verb", "from", "to", "before"),
    "activity-download": ("domain", "actor", "verb", "from", "to", "address", "organization"),
    "domain-activity": ("actor", "verb", "from", "to", "before"),
    "organization-activity": ("actor", "verb", "from", "to", "before"),
    "address-history": ("actor", "verb", "from", "to", "before"),
    "domain-trash": ("before", "look"),
    "domain-checks": ("look",),
    "domain-check-line": ("line",),
    "runs": ("domain", "before"),
    "requests": ("q", "only", "before"),
    "domain-requests": ("q", "only", "before"),
    "domain-invitations": ("before",),
    "ask": ("name",),
    "invited": ("name",),
    "search": ("q",),
    "findings": ("only", "after", "before"),
    "addresses": ("q", "only", "look", "after", "before", "trashed", "switched-off"),
    "address": ("removed", "switched", "before"),
    "address-row": ("look",),
    "address-new": ("name",),
    "alias-new": ("for", "local_part", "targets", "expires_on", "note"),
    "domain-names": ("page",),
    "record-set-edit": ("owner", "type"),
    "stack-new": ("host",),
    "host-new": ("by",),
    "unikernel-new": ("image",),
    "unikernel-change": ("image",),
    "unikernel-console": ("q", "before"),
    "unikernel-console-fragment": ("after",),
    "unikernel-load": ("span",),
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
