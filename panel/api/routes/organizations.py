"""Organizations, their repositories of zones, name servers and git hosts; webhooks."""

from __future__ import annotations

from django.urls import include, path

from panel.api.domain_offers import DomainTakeOvers
from panel.api.exports import OneOrganizationExport, OrganizationExports
from panel.api.git_hosts import GitHosts
from panel.api.organization_imports import OrganizationImports
from panel.api.organizations import Members, Organizations
from panel.api.routes import READ_AND_MAKE, Routes
from panel.api.service_tokens import ServiceTokens
from panel.api.update_servers import UpdateServers
from panel.api.webhooks import WebhookDeliveries, Webhooks, WebhookSecrets
from panel.api.zone_access import ZoneRepositories

zone_repositories: Routes = [
    path("", ZoneRepositories.as_view(READ_AND_MAKE), name="zone-repositories"),
    path(
        "<id:repository_id>/",
        ZoneRepositories.as_view({"get": "retrieve", "patch": "change_primary"}),
        name="zone-repository",
    ),
    path(
        "<id:repository_id>/host-key/",
        ZoneRepositories.as_view({"post": "confirm_zone_host_key"}),
        name="zone-host-key",
    ),
]

update_servers: Routes = [
    path("", UpdateServers.as_view(READ_AND_MAKE), name="update-servers"),
    path(
        "<id:name_server_id>/",
        UpdateServers.as_view({"get": "retrieve", "patch": "change_update_server", "delete": "destroy"}),
        name="update-server",
    ),
    path(
        "<id:name_server_id>/key/",
        UpdateServers.as_view({"put": "change_update_key"}),
        name="update-server-key",
    ),
]

git_hosts: Routes = [
    path("<id:repository_id>/", GitHosts.as_view({"get": "retrieve"}), name="git-host"),
    path("<id:repository_id>/look/", GitHosts.as_view({"post": "look_at_git_host"}), name="git-host-look"),
    path(
        "<id:repository_id>/prepare/",
        GitHosts.as_view({"post": "prepare_git_host"}),
        name="git-host-prepare",
    ),
]

organizations: Routes = [
    path("", Organizations.as_view(READ_AND_MAKE), name="organizations"),
    path(
        "<id:organization_id>/",
        Organizations.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="organization",
    ),
    path(
        "<id:organization_id>/suspend/",
        Organizations.as_view({"post": "suspend"}),
        name="organization-suspend",
    ),
    path("<id:organization_id>/lift/", Organizations.as_view({"post": "lift"}), name="organization-lift"),
    path(
        "<id:organization_id>/take-over/",
        DomainTakeOvers.as_view({"post": "accept"}),
        name="organization-take-over",
    ),
    path("<id:organization_id>/zone-repositories/", include(zone_repositories)),
    path("<id:organization_id>/git-hosts/", include(git_hosts)),
    path("<id:organization_id>/update-servers/", include(update_servers)),
    path(
        "<id:organization_id>/exports/",
        OrganizationExports.as_view(READ_AND_MAKE),
        name="organization-exports",
    ),
    path(
        "<id:organization_id>/exports/<id:export_id>/",
        OneOrganizationExport.as_view({"get": "retrieve"}),
        name="organization-export",
    ),
    path(
        "<id:organization_id>/exports/<id:export_id>/fetch/",
        OneOrganizationExport.as_view({"post": "fetch"}),
        name="organization-export-fetch",
    ),
    path(
        "<id:organization_id>/import/",
        OrganizationImports.as_view({"post": "import_organization"}),
        name="organization-import",
    ),
    path("<id:organization_id>/members/", Members.as_view(READ_AND_MAKE), name="members"),
    path(
        "<id:organization_id>/service-tokens/",
        ServiceTokens.as_view(READ_AND_MAKE),
        name="service-tokens",
    ),
    path(
        "<id:organization_id>/service-tokens/<id:token_id>/",
        ServiceTokens.as_view({"get": "retrieve", "delete": "destroy"}),
        name="service-token",
    ),
    path(
        "<id:organization_id>/members/<outside:email>/",
        Members.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="member",
    ),
]

webhooks: Routes = [
    path("", WebhookSecrets.as_view(READ_AND_MAKE), name="webhooks"),
    path(
        "<id:webhook_id>/",
        Webhooks.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="webhook",
    ),
    path("<id:webhook_id>/enabled/", Webhooks.as_view({"put": "switch_webhook"}), name="webhook-enabled"),
    path("<id:webhook_id>/rotate/", WebhookSecrets.as_view({"post": "rotate"}), name="webhook-rotate"),
    path("<id:webhook_id>/test/", Webhooks.as_view({"post": "test"}), name="webhook-test"),
    path("<id:webhook_id>/replay/", Webhooks.as_view({"post": "replay"}), name="webhook-replay"),
    path(
        "<id:webhook_id>/deliveries/",
        WebhookDeliveries.as_view({"get": "list"}),
        name="webhook-deliveries",
    ),
]

webhook_deliveries: Routes = [
    path("<id:delivery_id>/", WebhookDeliveries.as_view({"get": "retrieve"}), name="webhook-delivery"),
    path(
        "<id:delivery_id>/replay/",
        WebhookDeliveries.as_view({"post": "replay"}),
        name="webhook-delivery-replay",
    ),
]
