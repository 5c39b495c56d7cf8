"""Mailboxes, requests for one, and what strangers may ask."""

from __future__ import annotations

from django.urls import path

from panel.api.aliases import Aliases
from panel.api.guards import AddressCautions
from panel.api.mailboxes import Mailboxes, MailboxTargets
from panel.api.people import Holders, MailboxActivity
from panel.api.public import (
    PublicDecisions,
    PublicDomainRequests,
    PublicInvitations,
    PublicRequests,
    PublicTargets,
)
from panel.api.requests import Requests
from panel.api.routes import READ_AND_MAKE, Routes
from panel.api.trash import TrashedMailboxes

mailboxes: Routes = [
    path(
        "<mailbox:address>/purge/", TrashedMailboxes.as_view({"post": "purge_mailbox"}), name="mailbox-purge"
    ),
    path(
        "<mailbox:address>/",
        Mailboxes.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="mailbox",
    ),
    path("<mailbox:address>/restore/", Mailboxes.as_view({"post": "restore"}), name="mailbox-restore"),
    path(
        "<mailbox:address>/passphrase/",
        Mailboxes.as_view({"put": "set_passphrase"}),
        name="mailbox-passphrase",
    ),
    path(
        "<mailbox:address>/cautions/", AddressCautions.as_view({"get": "retrieve"}), name="mailbox-cautions"
    ),
    path(
        "<mailbox:address>/targets/<outside:target_address>/accept-shared/",
        AddressCautions.as_view({"post": "accept"}),
        name="mailbox-target-accept",
    ),
    path(
        "<mailbox:address>/delivers-to/",
        Aliases.as_view({"put": "set_deliveries"}),
        name="mailbox-deliveries",
    ),
    path("<mailbox:address>/reach/", Aliases.as_view({"get": "show_reach"}), name="mailbox-reach"),
    path("<mailbox:address>/expiry/", Aliases.as_view({"put": "set_end"}), name="mailbox-expiry"),
    path("<mailbox:address>/extend/", Aliases.as_view({"post": "extend"}), name="mailbox-extend"),
    path("<mailbox:address>/holders/", Holders.as_view(READ_AND_MAKE), name="mailbox-holders"),
    path(
        "<mailbox:address>/holders/<outside:email>/",
        Holders.as_view({"delete": "destroy"}),
        name="mailbox-holder",
    ),
    path("<mailbox:address>/hand-over/", Holders.as_view({"post": "hand_over"}), name="mailbox-hand-over"),
    path("<mailbox:address>/own-note/", Holders.as_view({"put": "set_own_note"}), name="mailbox-own-note"),
    path("<mailbox:address>/activity/", MailboxActivity.as_view({"get": "list"}), name="mailbox-activity"),
    path("<mailbox:address>/targets/", MailboxTargets.as_view(READ_AND_MAKE), name="mailbox-targets"),
    path(
        "<mailbox:address>/targets/<outside:target_address>/confirmation/",
        MailboxTargets.as_view({"post": "ask_target_again"}),
        name="mailbox-target-confirmation",
    ),
    path(
        "<mailbox:address>/targets/<outside:target_address>/",
        MailboxTargets.as_view({"delete": "destroy"}),
        name="mailbox-target",
    ),
]

requests: Routes = [
    path("", Requests.as_view({"get": "list"}), name="requests"),
    path("refuse/", Requests.as_view({"post": "refuse_requests"}), name="requests-refuse"),
    path("<id:request_id>/", Requests.as_view({"get": "retrieve"}), name="request"),
    path("<id:request_id>/approve/", Requests.as_view({"post": "approve"}), name="request-approve"),
    path("<id:request_id>/refuse/", Requests.as_view({"post": "refuse"}), name="request-refuse"),
]

public: Routes = [
    path(
        "domains/<domain:domain>/requests/",
        PublicDomainRequests.as_view({"post": "create"}),
        name="public-requests",
    ),
    path(
        "invitations/<link_token:token>/",
        PublicInvitations.as_view({"get": "retrieve"}),
        name="public-invitation",
    ),
    path(
        "invitations/<link_token:token>/requests/",
        PublicInvitations.as_view({"post": "create"}),
        name="public-invitation-requests",
    ),
    path(
        "decisions/<link_token:token>/",
        PublicDecisions.as_view({"get": "retrieve", "post": "decide"}),
        name="public-decision",
    ),
    path("requests/confirm/", PublicRequests.as_view({"post": "confirm"}), name="public-request-confirm"),
    path(
        "requests/<link_token:page_token>/",
        PublicRequests.as_view({"get": "retrieve"}),
        name="public-request",
    ),
    path(
        "requests/<link_token:page_token>/withdraw/",
        PublicRequests.as_view({"post": "withdraw"}),
        name="public-request-withdraw",
    ),
    path("targets/confirm/", PublicTargets.as_view({"post": "confirm"}), name="public-target-confirm"),
]
