"""Domains with their zone, checks, mail stack and what was found of one."""

from __future__ import annotations

from django.urls import include, path

from panel.api.aliases import DomainAliases, DomainAliasRules
from panel.api.canaries import Canaries
from panel.api.domain_offers import DomainOffers, DomainTakeOvers
from panel.api.domain_roles import DomainRoles
from panel.api.domains import Domains
from panel.api.exports import DomainExports, OneDomainExport
from panel.api.guards import DomainChecks
from panel.api.imports import DomainImports, ManyMailboxes
from panel.api.installations import InstallationPlans, Installations
from panel.api.invitations import DomainInvitations
from panel.api.letters import Letters
from panel.api.mail_checks import MailChecks
from panel.api.mailboxes import DomainMailboxes
from panel.api.names import HeldNames
from panel.api.readers import Readers
from panel.api.registrar import Registrars, ServerAnswers
from panel.api.repositories import Repositories
from panel.api.request_rules import DomainRequestRules
from panel.api.routes import READ_AND_MAKE, Routes
from panel.api.signing_keys import DomainSigningKeys, SigningKeys
from panel.api.stack_plans import StackPlans
from panel.api.stacks import Releases, Stacks
from panel.api.trash import Trash
from panel.api.upgrades import Returns, Upgrades
from panel.api.zone_access import Secondaries, ZoneKeys
from panel.api.zone_certificates import ZoneCertificates
from panel.api.zone_endings import ZoneStandings
from panel.api.zone_exchange import ZoneExports, ZoneImports
from panel.api.zone_mail import ZoneMail
from panel.api.zone_places import ZonePlaces
from panel.api.zones import RecordSets, Zones

zone: Routes = [
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
    path("keys/", ZoneKeys.as_view(READ_AND_MAKE), name="zone-keys"),
    path("keys/<id:key_id>/", ZoneKeys.as_view({"delete": "destroy"}), name="zone-key"),
    path("keys/<id:key_id>/rotate/", ZoneKeys.as_view({"post": "rotate_key"}), name="zone-key-rotate"),
    path("name-servers/", ServerAnswers.as_view({"get": "list"}), name="zone-name-servers"),
    path("secondaries/", Secondaries.as_view(READ_AND_MAKE), name="zone-secondaries"),
    path(
        "secondaries/<id:server_id>/",
        Secondaries.as_view({"delete": "destroy"}),
        name="zone-secondary",
    ),
]

mail_checks: Routes = [
    path("", MailChecks.as_view({"get": "retrieve"}), name="mail-checks"),
    path("changes/", MailChecks.as_view({"get": "list"}), name="mail-check-changes"),
    path("again/", MailChecks.as_view({"post": "check_again"}), name="mail-checks-again"),
    path("mute/", MailChecks.as_view({"post": "mute"}), name="mail-checks-mute"),
    path("unmute/", MailChecks.as_view({"post": "unmute"}), name="mail-checks-unmute"),
    path("elsewhere/", MailChecks.as_view({"put": "keep_elsewhere"}), name="mail-checks-elsewhere"),
]

installation: Routes = [
    path(
        "",
        Installations.as_view({"get": "retrieve", "post": "look_at_installation"}),
        name="installation",
    ),
    path("plan/", InstallationPlans.as_view({"post": "plan_adoption"}), name="installation-plan"),
    path("stack/", Installations.as_view({"post": "adopt_stack"}), name="installation-stack"),
    path("rules/", Installations.as_view({"post": "take_over_rules"}), name="installation-rules"),
]

stack: Routes = [
    path("", Stacks.as_view({"get": "retrieve", "put": "make_stack", "delete": "destroy"}), name="stack"),
    path("plan/", StackPlans.as_view({"post": "plan_stack"}), name="stack-plan"),
    path("cancel/", Stacks.as_view({"post": "cancel_stack"}), name="stack-cancel"),
    path("resume/", Stacks.as_view({"post": "resume_stack"}), name="stack-resume"),
    path("retry/", Stacks.as_view({"post": "retry_phase"}), name="stack-retry"),
    path("open-relay/", Stacks.as_view({"put": "decide_open_relay"}), name="stack-open-relay"),
    path("upgrade/", Upgrades.as_view({"get": "retrieve", "post": "upgrade_stack"}), name="stack-upgrade"),
    path("upgrade/plan/", Upgrades.as_view({"post": "plan_upgrade"}), name="stack-upgrade-plan"),
    path("upgrade/back/", Upgrades.as_view({"post": "roll_back"}), name="stack-upgrade-back"),
    path("canary/", Canaries.as_view({"get": "retrieve", "put": "make_canary"}), name="stack-canary"),
    path("canary/history/", Canaries.as_view({"get": "list"}), name="stack-canary-history"),
    path("letters/", Letters.as_view({"get": "list", "post": "follow_letter"}), name="stack-letters"),
    path("letters/<id:letter_id>/", Letters.as_view({"get": "retrieve"}), name="stack-letter"),
    path("releases/", Releases.as_view({"get": "list"}), name="stack-releases"),
    path("releases/<id:number>/", Releases.as_view({"get": "retrieve"}), name="stack-release"),
    path("releases/<id:number>/plan/", Returns.as_view({"post": "plan_return"}), name="stack-release-plan"),
    path(
        "releases/<id:number>/make-current/",
        Returns.as_view({"post": "make_current"}),
        name="stack-release-current",
    ),
]

domains: Routes = [
    path("<domain:domain>/stack/", include(stack)),
    path("<domain:domain>/zone/", include(zone)),
    path("", Domains.as_view(READ_AND_MAKE), name="domains"),
    path("<domain:domain>/", Domains.as_view({"get": "retrieve", "patch": "partial_update"}), name="domain"),
    path("<domain:domain>/checks/", DomainChecks.as_view({"get": "retrieve"}), name="domain-checks"),
    path("<domain:domain>/mail-checks/", include(mail_checks)),
    path("<domain:domain>/registrar/", Registrars.as_view({"get": "retrieve"}), name="domain-registrar"),
    path("<domain:domain>/mailboxes/", DomainMailboxes.as_view(READ_AND_MAKE), name="domain-mailboxes"),
    path("<domain:domain>/trash/", Trash.as_view({"get": "list"}), name="trash"),
    path("<domain:domain>/trash/empty/", Trash.as_view({"post": "empty_trash"}), name="trash-empty"),
    path("<domain:domain>/aliases/", DomainAliases.as_view({"post": "create"}), name="domain-aliases"),
    path(
        "<domain:domain>/alias-rules/",
        DomainAliasRules.as_view({"get": "retrieve", "put": "update"}),
        name="alias-rules",
    ),
    path("<domain:domain>/held-names/", HeldNames.as_view(READ_AND_MAKE), name="held-names"),
    path("<domain:domain>/exports/", DomainExports.as_view(READ_AND_MAKE), name="domain-exports"),
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
    path("<domain:domain>/installation/", include(installation)),
    path("<domain:domain>/signing-keys/", DomainSigningKeys.as_view(READ_AND_MAKE), name="signing-keys"),
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
    path(
        "<domain:domain>/offer/",
        DomainOffers.as_view({"get": "retrieve", "post": "create", "delete": "destroy"}),
        name="domain-offer",
    ),
    path(
        "<domain:domain>/hand-over/",
        DomainTakeOvers.as_view({"post": "hand_over_domain"}),
        name="domain-hand-over",
    ),
    path("<domain:domain>/roles/", DomainRoles.as_view(READ_AND_MAKE), name="domain-roles"),
    path(
        "<domain:domain>/roles/<id:role_id>/",
        DomainRoles.as_view({"get": "retrieve", "delete": "destroy"}),
        name="domain-role",
    ),
    path("<domain:domain>/invitations/", DomainInvitations.as_view(READ_AND_MAKE), name="invitations"),
]
