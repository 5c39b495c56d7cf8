"""The addresses of the API. Each ends with a slash; everything else under it is nowhere."""

from __future__ import annotations

from django.urls import include, path, re_path

from panel.api import reference
from panel.api.bulk import Bulk
from panel.api.changes import Changes
from panel.api.image_fetches import BuildServers
from panel.api.invitations import Invitations
from panel.api.nowhere import Nowhere
from panel.api.routes import READ_AND_MAKE, Routes, account, addresses, domains, hosts, organizations, work
from panel.api.stacks import Stacks

app_name = "api"

_v1: Routes = [
    path("organizations/", include(organizations.organizations)),
    path("domains/", include(domains.domains)),
    path("mailboxes/", include(addresses.mailboxes)),
    path("requests/", include(addresses.requests)),
    path("invitations/<id:invitation_id>/", Invitations.as_view({"get": "retrieve"}), name="invitation"),
    path(
        "invitations/<id:invitation_id>/withdraw/",
        Invitations.as_view({"post": "withdraw"}),
        name="invitation-withdraw",
    ),
    path("public/", include(addresses.public)),
    path("targets/", include(work.targets)),
    path("hosts/", include(hosts.hosts)),
    path("images/", include(hosts.images)),
    path("image-fetches/", include(hosts.image_fetches)),
    path("image-feeds/", include(hosts.image_feeds)),
    path("webhooks/", include(organizations.webhooks)),
    path("webhook-deliveries/", include(organizations.webhook_deliveries)),
    path("build-servers/", BuildServers.as_view(READ_AND_MAKE), name="build-servers"),
    path(
        "build-servers/<id:build_server_id>/",
        BuildServers.as_view({"delete": "destroy"}),
        name="build-server",
    ),
    path("unikernels/", include(hosts.unikernels)),
    path("stacks/", Stacks.as_view({"get": "list"}), name="stacks"),
    path("runs/", include(work.runs)),
    path("events/", include(work.events)),
    path("bulk/", Bulk.as_view({"post": "do_all"}), name="bulk"),
    path("changes/<change:change>/", Changes.as_view({"get": "retrieve"}), name="change"),
    path("account/", include(account.account)),
    path("schema/", reference.Description.as_view({"get": "retrieve"}), name="schema"),
    path("docs/", reference.Reference.as_view({"get": "retrieve"}), name="docs"),
]
urlpatterns = [
    path("v1/", include(_v1)),
    re_path(r"^[\s\S]*$", Nowhere.as_view({"get": "nothing"}), name="nowhere"),
]
