"""Pages for people who are signed in."""

from __future__ import annotations

from django.urls import path

from panel.web import (
    activity,
    address,
    bulk,
    domains,
    exports,
    findings,
    health,
    imports,
    live,
    mailboxes,
    organizations,
    overview,
    repositories,
    requests,
    runs,
    search,
)

_DOMAIN = "d/<mail_domain:domain>"
_ADDRESS = f"{_DOMAIN}/addresses/<mail_local_part:local_part>"
_REPOSITORY = f"{_DOMAIN}/settings/repository"
_IMPORT = f"{_DOMAIN}/import/<int:import_id>"
_ORGANIZATION = "o/<int:organization_id>"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("o", organizations.organizations, name="organizations"),
    path("o/new", organizations.organization_new, name="organization-new"),
    path("o/switch", organizations.organization_switch, name="organization-switch"),
    path(_ORGANIZATION, organizations.organization, name="organization"),
    path(f"{_ORGANIZATION}/members", organizations.member_add, name="member-add"),
    path(
        f"{_ORGANIZATION}/members/<int:member_id>/remove", organizations.member_remove, name="member-remove"
    ),
    path(f"{_ORGANIZATION}/quotas", organizations.organization_quotas, name="organization-quotas"),
    path("domains", domains.domains, name="domains"),
    path("domains/new", domains.domain_new, name="domain-new"),
    path(_DOMAIN, domains.domain, name="domain"),
    path(f"{_DOMAIN}/requests", requests.domain_requests, name="domain-requests"),
    path(f"{_DOMAIN}/activity", domains.domain_activity, name="domain-activity"),
    path(f"{_DOMAIN}/settings", domains.domain_settings, name="domain-settings"),
    path(f"{_REPOSITORY}/new", repositories.repository_new, name="repository-new"),
    path(_REPOSITORY, repositories.repository, name="repository"),
    path(f"{_REPOSITORY}/pin", repositories.repository_pin, name="repository-pin"),
    path(f"{_REPOSITORY}/look", repositories.repository_look, name="repository-look"),
    path(f"{_REPOSITORY}/preview", repositories.repository_preview, name="repository-preview"),
    path(f"{_REPOSITORY}/drift", repositories.repository_drift_mode, name="repository-drift-mode"),
    path(f"{_REPOSITORY}/restarted", repositories.repository_restarted, name="repository-restarted"),
    path(f"{_REPOSITORY}/findings", findings.findings, name="findings"),
    path(f"{_REPOSITORY}/findings/decide", findings.findings_decide, name="findings-decide"),
    path(f"{_DOMAIN}/addresses", mailboxes.addresses, name="addresses"),
    path(f"{_DOMAIN}/new-address", mailboxes.address_new, name="address-new"),
    path(f"{_DOMAIN}/addresses.csv", exports.addresses_export, {"kind": "csv"}, name="addresses-csv"),
    path(f"{_DOMAIN}/addresses.json", exports.addresses_export, {"kind": "json"}, name="addresses-json"),
    path(f"{_DOMAIN}/many", bulk.addresses_many, name="addresses-many"),
    path(f"{_DOMAIN}/import", imports.addresses_import, name="addresses-import"),
    path(_IMPORT, imports.import_page, name="addresses-import-page"),
    path(f"{_IMPORT}/apply", imports.import_apply, name="addresses-import-apply"),
    path(f"{_IMPORT}/discard", imports.import_discard, name="addresses-import-discard"),
    path(f"{_IMPORT}/problems.csv", imports.import_problems, name="addresses-import-problems"),
    path(f"{_DOMAIN}/usual-addresses", mailboxes.addresses_offered, name="addresses-offered"),
    path(_ADDRESS, address.address, name="address"),
    path(f"{_ADDRESS}/row", mailboxes.address_row_fragment, name="address-row"),
    path(f"{_ADDRESS}/switch", address.address_switch, name="address-switch"),
    path(f"{_ADDRESS}/trash", address.address_trash, name="address-trash"),
    path(f"{_ADDRESS}/restore", address.address_restore, name="address-restore"),
    path(f"{_ADDRESS}/targets/add", address.address_target_add, name="address-target-add"),
    path(f"{_ADDRESS}/targets/remove", address.address_target_remove, name="address-target-remove"),
    path(f"{_ADDRESS}/targets/again", address.address_target_again, name="address-target-again"),
    path(f"{_ADDRESS}/passphrase", address.address_passphrase, name="address-passphrase"),
    path(f"{_ADDRESS}/note", address.address_note, name="address-note"),
    path("requests", requests.requests, name="requests"),
    path("requests/<int:request_id>", requests.request_page, name="request"),
    path("requests/<int:request_id>/approve", requests.request_approve, name="request-approve"),
    path("requests/<int:request_id>/refuse", requests.request_refuse, name="request-refuse"),
    path("runs", runs.runs, name="runs"),
    path("runs/<int:run_id>", runs.run_page, name="run"),
    path("runs/<int:run_id>/retry", runs.run_retry, name="run-retry"),
    path("runs/<int:run_id>/agree", runs.run_agree, name="run-agree"),
    path("runs/<int:run_id>/now", live.run_fragment, name="run-fragment"),
    path("address/<int:mailbox_id>/now", live.address_fragment, name="address-fragment"),
    path("live/run/<int:run_id>", live.run_live, name="run-live"),
    path("live/address/<int:mailbox_id>", live.address_live, name="address-live"),
    path("activity", activity.activity, name="activity"),
    path("search", search.search, name="search"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
