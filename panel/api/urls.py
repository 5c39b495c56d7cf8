"""The addresses of the API. Each ends with a slash; everything else under it is nowhere."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path

from panel.api import converters, reference
from panel.api.account import Me, Tokens
from panel.api.activity import Events
from panel.api.aliases import Aliases, DomainAliases, DomainAliasRules
from panel.api.bulk import Bulk
from panel.api.certificate_uses import CertificateUses
from panel.api.changes import Changes
from panel.api.domain_exports import DomainExports, OneDomainExport
from panel.api.domains import Domains
from panel.api.findings import Findings
from panel.api.firewalls import FirewallRules, Firewalls
from panel.api.git_hosts import GitHosts
from panel.api.guards import AddressCautions, DomainChecks
from panel.api.hosts import HostNetworks, Hosts, HostVolumes
from panel.api.image_feeds import ImageFeeds
from panel.api.image_fetches import BuildServers, ImageFetches
from panel.api.images import Images
from panel.api.imports import DomainImports, ManyMailboxes
from panel.api.invitations import DomainInvitations, Invitations
from panel.api.mail_checks import MailChecks
from panel.api.mailboxes import DomainMailboxes, Mailboxes, MailboxTargets
from panel.api.names import HeldNames
from panel.api.nowhere import Nowhere
from panel.api.organizations import Members, Organizations
from panel.api.people import Holders, MailboxActivity
from panel.api.preparations import HostPreparations
from panel.api.public import (
    PublicDecisions,
    PublicDomainRequests,
    PublicInvitations,
    PublicRequests,
    PublicTargets,
)
from panel.api.readers import Readers
from panel.api.registrar import Registrars, ServerAnswers
from panel.api.repositories import Repositories
from panel.api.request_rules import DomainRequestRules
from panel.api.requests import Requests
from panel.api.runs import Runs
from panel.api.signing_keys import DomainSigningKeys, SigningKeys
from panel.api.targets import SyncTargets
from panel.api.trash import Trash, TrashedMailboxes
from panel.api.unikernels import HostUnikernels, Unikernels
from panel.api.update_servers import UpdateServers
from panel.api.watching import ConsoleLines, Exits, Samples
from panel.api.zone_access import Secondaries, ZoneKeys, ZoneRepositories
from panel.api.zone_certificates import ZoneCertificates
from panel.api.zone_endings import ZoneStandings
from panel.api.zone_exchange import ZoneExports, ZoneImports
from panel.api.zone_mail import ZoneMail
from panel.api.zone_places import ZonePlaces
from panel.api.zones import RecordSets, Zones

converters.register()
app_name = "api"

_read_and_make: dict[str, Any] = {"get": "list", "post": "create"}

_zone_repositories: list[URLPattern | URLResolver] = [
    path("", ZoneRepositories.as_view(_read_and_make), name="zone-repositories"),
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
_update_servers: list[URLPattern | URLResolver] = [
    path("", UpdateServers.as_view(_read_and_make), name="update-servers"),
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
_git_hosts: list[URLPattern | URLResolver] = [
    path("<id:repository_id>/", GitHosts.as_view({"get": "retrieve"}), name="git-host"),
    path("<id:repository_id>/look/", GitHosts.as_view({"post": "look_at_git_host"}), name="git-host-look"),
    path(
        "<id:repository_id>/prepare/",
        GitHosts.as_view({"post": "prepare_git_host"}),
        name="git-host-prepare",
    ),
]
_organizations: list[URLPattern | URLResolver] = [
    path("", Organizations.as_view(_read_and_make), name="organizations"),
    path(
        "<id:organization_id>/",
        Organizations.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="organization",
    ),
    path("<id:organization_id>/zone-repositories/", include(_zone_repositories)),
    path("<id:organization_id>/git-hosts/", include(_git_hosts)),
    path("<id:organization_id>/update-servers/", include(_update_servers)),
    path("<id:organization_id>/members/", Members.as_view(_read_and_make), name="members"),
    path(
        "<id:organization_id>/members/<outside:email>/",
        Members.as_view({"get": "retrieve", "put": "update", "delete": "destroy"}),
        name="member",
    ),
]
_zone: list[URLPattern | URLResolver] = [
    path("", Zones.as_view({"get": "retrieve", "put": "create_zone", "patch": "change_soa"}), name="zone"),
    path("place/", ZonePlaces.as_view({"get": "retrieve", "put": "move_zone"}), name="zone-place"),
    path(
        "standing/",
        ZoneStandings.as_view({"get": "retrieve", "put": "set_zone_standing"}),
        name="zone-standing",
    ),
    path("freeze/", Zones.as_view({"put": "freeze_zone"}), name="zone-freeze"),
    path("look/", Zones.as_view({"post": "look_for_ownership"}), name="zone-look"),
    path(
        "record-sets/",
        RecordSets.as_view({"get": "list", "post": "change_record_sets"}),
        name="record-sets",
    ),
    path("record-sets/freeze/", RecordSets.as_view({"put": "freeze_record_set"}), name="record-set-freeze"),
    path("export/", ZoneExports.as_view({"get": "export_zone"}), name="zone-export"),
    path("import/", ZoneImports.as_view({"post": "import_zone"}), name="zone-import"),
    path("mail/", ZoneMail.as_view({"get": "show_zone_mail"}), name="zone-mail"),
    path("certificates/", ZoneCertificates.as_view({"get": "list"}), name="zone-certificates"),
    path("keys/", ZoneKeys.as_view(_read_and_make), name="zone-keys"),
    path("keys/<id:key_id>/", ZoneKeys.as_view({"delete": "destroy"}), name="zone-key"),
    path("keys/<id:key_id>/rotate/", ZoneKeys.as_view({"post": "rotate_key"}), name="zone-key-rotate"),
    path("name-servers/", ServerAnswers.as_view({"get": "list"}), name="zone-name-servers"),
    path("secondaries/", Secondaries.as_view(_read_and_make), name="zone-secondaries"),
    path(
        "secondaries/<id:server_id>/",
        Secondaries.as_view({"delete": "destroy"}),
        name="zone-secondary",
    ),
]
_mail_checks = [
    path("", MailChecks.as_view({"get": "retrieve"}), name="mail-checks"),
    path("changes/", MailChecks.as_view({"get": "list"}), name="mail-check-changes"),
    path("again/", MailChecks.as_view({"post": "check_again"}), name="mail-checks-again"),
    path("mute/", MailChecks.as_view({"post": "mute"}), name="mail-checks-mute"),
    path("unmute/", MailChecks.as_view({"post": "unmute"}), name="mail-checks-unmute"),
    path("elsewhere/", MailChecks.as_view({"put": "keep_elsewhere"}), name="mail-checks-elsewhere"),
]
_domains: list[URLPattern | URLResolver] = [
    path("<domain:domain>/zone/", include(_zone)),
    path("", Domains.as_view(_read_and_make), name="domains"),
    path("<domain:domain>/", Domains.as_view({"get": "retrieve", "patch": "partial_update"}), name="domain"),
    path("<domain:domain>/checks/", DomainChecks.as_view({"get": "retrieve"}), name="domain-checks"),
    path("<domain:domain>/mail-checks/", include(_mail_checks)),
    path("<domain:domain>/registrar/", Registrars.as_view({"get": "retrieve"}), name="domain-registrar"),
    path("<domain:domain>/mailboxes/", DomainMailboxes.as_view(_read_and_make), name="domain-mailboxes"),
    path("<domain:domain>/trash/", Trash.as_view({"get": "list"}), name="trash"),
    path("<domain:domain>/trash/empty/", Trash.as_view({"post": "empty_trash"}), name="trash-empty"),
    path("<domain:domain>/aliases/", DomainAliases.as_view({"post": "create"}), name="domain-aliases"),
    path(
        "<domain:domain>/alias-rules/",
        DomainAliasRules.as_view({"get": "retrieve", "put": "update"}),
        name="alias-rules",
    ),
    path("<domain:domain>/held-names/", HeldNames.as_view(_read_and_make), name="held-names"),
    path("<domain:domain>/exports/", DomainExports.as_view(_read_and_make), name="domain-exports"),
    path(
        "<domain:domain>/exports/<id:export_id>/",
        OneDomainExport.as_view({"get": "retrieve"}),
        name="domain-export",
    ),
    path(
        "<domain:domain>/exports/<id:export_id>/fetch/",
        OneDomainExport.as_view({"post": "fetch"}),
        name="domain-export-fetch",
    ),
    path("<domain:domain>/signing-keys/", DomainSigningKeys.as_view(_read_and_make), name="signing-keys"),
    path(
        "<domain:domain>/signing-keys/<id:signing_key_id>/",
        SigningKeys.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="signing-key",
    ),
    path(
        "<domain:domain>/held-names/<id:held_id>/",
        HeldNames.as_view({"get": "retrieve", "delete": "destroy"}),
        name="held-name",
    ),
    path(
        "<domain:domain>/mailboxes/import/",
        DomainImports.as_view({"post": "import_addresses"}),
        name="domain-import",
    ),
    path(
        "<domain:domain>/mailboxes/many/",
        ManyMailboxes.as_view({"post": "change_mailboxes"}),
        name="domain-many",
    ),
    path(
        "<domain:domain>/repository/",
        Repositories.as_view(
            {"get": "retrieve", "put": "connect_repository", "patch": "change_restart_pace"}
        ),
        name="repository",
    ),
    path(
        "<domain:domain>/repository/host-key/",
        Repositories.as_view({"post": "confirm_host_key"}),
        name="host-key",
    ),
    path(
        "<domain:domain>/repository/readers/",
        Readers.as_view({"get": "list", "post": "link_reader"}),
        name="readers",
    ),
    path(
        "<domain:domain>/repository/readers/<id:reader_id>/",
        Readers.as_view({"get": "retrieve", "delete": "destroy"}),
        name="reader",
    ),
    path(
        "<domain:domain>/repository/restart/",
        Readers.as_view({"post": "restart_readers"}),
        name="readers-restart",
    ),
    path(
        "<domain:domain>/request-rules/",
        DomainRequestRules.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="request-rules",
    ),
    path("<domain:domain>/invitations/", DomainInvitations.as_view(_read_and_make), name="invitations"),
]
_mailboxes = [
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
    path("<mailbox:address>/holders/", Holders.as_view(_read_and_make), name="mailbox-holders"),
    path(
        "<mailbox:address>/holders/<outside:email>/",
        Holders.as_view({"delete": "destroy"}),
        name="mailbox-holder",
    ),
    path("<mailbox:address>/hand-over/", Holders.as_view({"post": "hand_over"}), name="mailbox-hand-over"),
    path("<mailbox:address>/own-note/", Holders.as_view({"put": "set_own_note"}), name="mailbox-own-note"),
    path("<mailbox:address>/activity/", MailboxActivity.as_view({"get": "list"}), name="mailbox-activity"),
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
    path("refuse/", Requests.as_view({"post": "refuse_requests"}), name="requests-refuse"),
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
_hosts = [
    path("", Hosts.as_view(_read_and_make), name="hosts"),
    path("<id:share_id>/", Hosts.as_view({"get": "retrieve", "delete": "destroy"}), name="host"),
    path("<id:share_id>/host-key/", Hosts.as_view({"post": "pin_host_key"}), name="host-pin"),
    path("<id:share_id>/quota/", Hosts.as_view({"patch": "change_quota"}), name="host-quota"),
    path("<id:share_id>/shares/", Hosts.as_view({"post": "share_host"}), name="host-shares"),
    path("<id:share_id>/unshare/", Hosts.as_view({"post": "unshare_host"}), name="host-unshare"),
    path("<id:share_id>/networks/", HostNetworks.as_view(_read_and_make), name="host-networks"),
    path(
        "<id:share_id>/networks/<id:network_id>/",
        HostNetworks.as_view({"delete": "destroy"}),
        name="host-network",
    ),
    path("<id:share_id>/volumes/", HostVolumes.as_view(_read_and_make), name="host-volumes"),
    path(
        "<id:share_id>/volumes/<id:volume_id>/",
        HostVolumes.as_view({"delete": "destroy"}),
        name="host-volume",
    ),
    path(
        "<id:share_id>/preparation/",
        HostPreparations.as_view({"get": "retrieve"}),
        name="host-preparation",
    ),
    path(
        "<id:share_id>/preparation/look/",
        HostPreparations.as_view({"post": "look_at_preparation"}),
        name="host-preparation-look",
    ),
    path(
        "<id:share_id>/preparation/prepare/",
        HostPreparations.as_view({"post": "prepare_host"}),
        name="host-preparation-prepare",
    ),
    path(
        "<id:share_id>/firewall/",
        Firewalls.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="host-firewall",
    ),
    path(
        "<id:share_id>/firewall/manage/",
        Firewalls.as_view({"post": "manage_firewall"}),
        name="host-firewall-manage",
    ),
    path(
        "<id:share_id>/firewall/release/",
        Firewalls.as_view({"post": "release_firewall"}),
        name="host-firewall-release",
    ),
    path("<id:share_id>/firewall/rules/", FirewallRules.as_view(_read_and_make), name="host-firewall-rules"),
    path(
        "<id:share_id>/firewall/rules/<id:rule_id>/",
        FirewallRules.as_view({"put": "update", "delete": "destroy"}),
        name="host-firewall-rule",
    ),
    path("<id:share_id>/unikernels/", HostUnikernels.as_view({"post": "create"}), name="host-unikernels"),
]
_images = [
    path("", Images.as_view(_read_and_make), name="images"),
    path(
        "<id:image_id>/",
        Images.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="image",
    ),
    path("<id:image_id>/shared/", Images.as_view({"put": "share_image"}), name="image-shared"),
]
_image_fetches = [
    path("", ImageFetches.as_view(_read_and_make), name="image-fetches"),
    path("<id:fetch_id>/", ImageFetches.as_view({"get": "retrieve"}), name="image-fetch"),
    path(
        "<id:fetch_id>/again/", ImageFetches.as_view({"post": "fetch_image_again"}), name="image-fetch-again"
    ),
]
_image_feeds = [
    path("", ImageFeeds.as_view(_read_and_make), name="image-feeds"),
    path(
        "<id:feed_id>/",
        ImageFeeds.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="image-feed",
    ),
    path("<id:feed_id>/look/", ImageFeeds.as_view({"post": "look_at_feed"}), name="image-feed-look"),
    path("<id:feed_id>/take/", ImageFeeds.as_view({"post": "take_build"}), name="image-feed-take"),
    path("<id:feed_id>/ignore/", ImageFeeds.as_view({"post": "ignore_build"}), name="image-feed-ignore"),
]
_unikernels = [
    path("", Unikernels.as_view({"get": "list"}), name="unikernels"),
    path(
        "<id:unikernel_id>/",
        Unikernels.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="unikernel",
    ),
    path("<id:unikernel_id>/start/", Unikernels.as_view({"post": "start_unikernel"}), name="unikernel-start"),
    path(
        "<id:unikernel_id>/add-name/",
        Unikernels.as_view({"post": "answer_add_name"}),
        name="unikernel-add-name",
    ),
    path(
        "<id:unikernel_id>/certificate/",
        CertificateUses.as_view({"get": "retrieve", "put": "link_certificate", "delete": "destroy"}),
        name="certificate-use",
    ),
    path(
        "<id:unikernel_id>/certificate/restart/",
        CertificateUses.as_view({"post": "restart_for_certificate"}),
        name="certificate-restart",
    ),
    path("<id:unikernel_id>/stop/", Unikernels.as_view({"post": "stop_unikernel"}), name="unikernel-stop"),
    path("<id:unikernel_id>/console/", ConsoleLines.as_view({"get": "list"}), name="unikernel-console"),
    path("<id:unikernel_id>/samples/", Samples.as_view({"get": "list"}), name="unikernel-samples"),
    path("<id:unikernel_id>/exits/", Exits.as_view({"get": "list"}), name="unikernel-exits"),
]
_runs = [
    path("", Runs.as_view({"get": "list"}), name="runs"),
    path("<id:run_id>/", Runs.as_view({"get": "retrieve"}), name="run"),
    path("<id:run_id>/agree/", Runs.as_view({"post": "agree_to_run"}), name="run-agree"),
]
_events = [
    path("", Events.as_view({"get": "list"}), name="events"),
    path("<id:event_id>/", Events.as_view({"get": "retrieve"}), name="event"),
    path(
        "<id:event_id>/undo/",
        Events.as_view({"get": "preview_undo", "post": "undo_event"}),
        name="event-undo",
    ),
]
_account = [
    path("", Me.as_view({"get": "retrieve", "delete": "destroy"}), name="account"),
    path("export/", Me.as_view({"get": "export"}), name="account-export"),
    path("tokens/", Tokens.as_view(_read_and_make), name="tokens"),
    path("tokens/<id:token_id>/", Tokens.as_view({"get": "retrieve", "delete": "destroy"}), name="token"),
]
_v1: list[URLPattern | URLResolver] = [
    path("organizations/", include(_organizations)),
    path("domains/", include(_domains)),
    path("mailboxes/", include(_mailboxes)),
    path("requests/", include(_requests)),
    path("invitations/<id:invitation_id>/", Invitations.as_view({"get": "retrieve"}), name="invitation"),
    path(
        "invitations/<id:invitation_id>/withdraw/",
        Invitations.as_view({"post": "withdraw"}),
        name="invitation-withdraw",
    ),
    path("public/", include(_public)),
    path("targets/", include(_targets)),
    path("hosts/", include(_hosts)),
    path("images/", include(_images)),
    path("image-fetches/", include(_image_fetches)),
    path("image-feeds/", include(_image_feeds)),
    path("build-servers/", BuildServers.as_view(_read_and_make), name="build-servers"),
    path(
        "build-servers/<id:build_server_id>/",
        BuildServers.as_view({"delete": "destroy"}),
        name="build-server",
    ),
    path("unikernels/", include(_unikernels)),
    path("runs/", include(_runs)),
    path("events/", include(_events)),
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
