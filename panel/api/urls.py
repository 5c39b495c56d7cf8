"""The addresses of the API. Each ends with a slash; everything else under it is nowhere."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path

from panel.api import converters, reference
from panel.api.account import Me, Tokens
from panel.api.activity import Events
from panel.api.bulk import Bulk
from panel.api.changes import Changes
from panel.api.domains import Domains
from panel.api.findings import Findings
from panel.api.mailboxes import DomainMailboxes, Mailboxes, MailboxTargets
from panel.api.nowhere import Nowhere
from panel.api.organizations import Members, Organizations
from panel.api.public import PublicDomainRequests, PublicRequests, PublicTargets
from panel.api.repositories import Repositories
from panel.api.requests import Requests
from panel.api.runs import Runs
from panel.api.targets import SyncTargets

converters.register()
app_name = "api"

_read_and_make: dict[str, Any] = {"get": "list", "post": "create"}

_organizations = [
    path("", Organizations.as_view(_read_and_make), name="organizations"),
    path(
        "<id:organization_id>/",
        Organizations.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="organization",
    ),
    path("<id:organization_id>/members/", Members.as_view(_read_and_make), name="members"),
    path(
        "<id:organization_id>/members/<outside:email>/",
        Members.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="member",
    ),
]
_domains = [
    path("", Domains.as_view(_read_and_make), name="domains"),
    path("<domain:domain>/", Domains.as_view({"get": "retrieve", "patch": "partial_update"}), name="domain"),
    path("<domain:domain>/mailboxes/", DomainMailboxes.as_view(_read_and_make), name="domain-mailboxes"),
    path(
        "<domain:domain>/repository/",
        Repositories.as_view({"get": "retrieve", "put": "connect_repository"}),
        name="repository",
    ),
    path(
        "<domain:domain>/repository/host-key/",
        Repositories.as_view({"post": "confirm_host_key"}),
        name="host-key",
    ),
]
_mailboxes = [
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
    path("<mailbox:address>/targets/", MailboxTargets.as_view(_read_and_make), name="mailbox-targets"),
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
_requests = [
    path("", Requests.as_view({"get": "list"}), name="requests"),
    path("<id:request_id>/", Requests.as_view({"get": "retrieve"}), name="request"),
    path("<id:request_id>/approve/", Requests.as_view({"post": "approve"}), name="request-approve"),
    path("<id:request_id>/refuse/", Requests.as_view({"post": "refuse"}), name="request-refuse"),
]
_public = [
    path(
        "domains/<domain:domain>/requests/",
        PublicDomainRequests.as_view({"post": "create"}),
        name="public-requests",
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
_targets = [
    path("", SyncTargets.as_view({"get": "list"}), name="targets"),
    path("<id:target_id>/", SyncTargets.as_view({"get": "retrieve"}), name="target"),
    path("<id:target_id>/check/", SyncTargets.as_view({"post": "check"}), name="target-check"),
    path("<id:target_id>/preview/", SyncTargets.as_view({"post": "preview"}), name="target-preview"),
    path(
        "<id:target_id>/drift-mode/", SyncTargets.as_view({"put": "set_drift_mode"}), name="target-drift-mode"
    ),
    path(
        "<id:target_id>/findings/",
        Findings.as_view({"get": "list"}),
        name="findings",
    ),
    path("<id:target_id>/findings/decide/", Findings.as_view({"post": "decide"}), name="findings-decide"),
    path(
        "<id:target_id>/reload-confirmed/",
        SyncTargets.as_view({"post": "confirm_reload"}),
        name="target-reload-confirmed",
    ),
]
_runs = [
    path("", Runs.as_view({"get": "list"}), name="runs"),
    path("<id:run_id>/", Runs.as_view({"get": "retrieve"}), name="run"),
    path("<id:run_id>/agree/", Runs.as_view({"post": "agree_to_run"}), name="run-agree"),
]
_account = [
    path("", Me.as_view({"get": "retrieve"}), name="account"),
    path("tokens/", Tokens.as_view(_read_and_make), name="tokens"),
    path("tokens/<id:token_id>/", Tokens.as_view({"get": "retrieve", "delete": "destroy"}), name="token"),
]
_v1: list[URLPattern | URLResolver] = [
    path("organizations/", include(_organizations)),
    path("domains/", include(_domains)),
    path("mailboxes/", include(_mailboxes)),
    path("requests/", include(_requests)),
    path("public/", include(_public)),
    path("targets/", include(_targets)),
    path("runs/", include(_runs)),
    path("events/", Events.as_view({"get": "list"}), name="events"),
    path("bulk/", Bulk.as_view({"post": "do_all"}), name="bulk"),
    path("changes/<change:change>/", Changes.as_view({"get": "retrieve"}), name="change"),
    path("account/", include(_account)),
    path("schema/", reference.Description.as_view({"get": "retrieve"}), name="schema"),
    path("docs/", reference.Reference.as_view({"get": "retrieve"}), name="docs"),
]
urlpatterns = [
    path("v1/", include(_v1)),
    re_path(r"^[\s\S]*$", Nowhere.as_view({"get": "nothing"}), name="nowhere"),
]
