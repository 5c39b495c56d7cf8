"""Pages for people who are signed in, which are about no domain and no host alone."""

from __future__ import annotations

from django.urls import path

from panel.web import (
    activity,
    backups,
    domain_offers,
    domains,
    health,
    history,
    history_download,
    live,
    metrics,
    organization_exports,
    organization_imports,
    organizations,
    overview,
    requests,
    runs,
    search,
    suspension,
    webhooks,
)

_ORGANIZATION = "o/<int:organization_id>"
_WEBHOOK = "webhooks/<int:webhook_id>"
_DELIVERY = f"{_WEBHOOK}/deliveries/<int:delivery_id>"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("o", organizations.organizations, name="organizations"),
    path("o/new", organizations.organization_new, name="organization-new"),
    path("o/switch", organizations.organization_switch, name="organization-switch"),
    path(_ORGANIZATION, organizations.organization, name="organization"),
    path(f"{_ORGANIZATION}/activity", history.organization_activity, name="organization-activity"),
    path(f"{_ORGANIZATION}/members", organizations.member_add, name="member-add"),
    path(
        f"{_ORGANIZATION}/members/<int:member_id>/remove", organizations.member_remove, name="member-remove"
    ),
    path(
        f"{_ORGANIZATION}/second-factor",
        organizations.organization_second_factor,
        name="organization-second-factor",
    ),
    path(f"{_ORGANIZATION}/export", organization_exports.organization_export, name="organization-export"),
    path(
        f"{_ORGANIZATION}/export/fetch",
        organization_exports.organization_export_fetch,
        name="organization-export-fetch",
    ),
    path(f"{_ORGANIZATION}/import", organization_imports.organization_import, name="organization-import"),
    path(
        f"{_ORGANIZATION}/import/<int:import_id>",
        organization_imports.organization_import_page,
        name="organization-import-page",
    ),
    path(
        f"{_ORGANIZATION}/import/<int:import_id>/apply",
        organization_imports.organization_import_apply,
        name="organization-import-apply",
    ),
    path(
        f"{_ORGANIZATION}/import/<int:import_id>/discard",
        organization_imports.organization_import_discard,
        name="organization-import-discard",
    ),
    path(f"{_ORGANIZATION}/suspend", suspension.organization_suspend, name="organization-suspend"),
    path(f"{_ORGANIZATION}/lift", suspension.organization_lift, name="organization-lift"),
    path(f"{_ORGANIZATION}/quotas", organizations.organization_quotas, name="organization-quotas"),
    path("domains", domains.domains, name="domains"),
    path("domains/new", domains.domain_new, name="domain-new"),
    path("take-over", domain_offers.take_over, name="take-over"),
    path("backups", backups.backups, name="backups"),
    path("backups/let-go", backups.backup_let_all_go, name="backup-let-all-go"),
    path("backups/mails", backups.backup_mails, name="backup-mails"),
    path("backups/<int:target_id>/let-go", backups.backup_let_go, name="backup-let-go"),
    path("requests", requests.requests, name="requests"),
    path("requests/refuse", requests.requests_refuse, name="requests-refuse"),
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
    path("activity/download", history_download.activity_download, name="activity-download"),
    path("activity/<int:event_id>", history.event_page, name="event"),
    path("activity/<int:event_id>/undo", history.event_undo, name="event-undo"),
    path("webhooks", webhooks.webhooks, name="webhooks"),
    path("webhooks/new", webhooks.webhook_new, name="webhook-new"),
    path(_WEBHOOK, webhooks.webhook, name="webhook"),
    path(f"{_WEBHOOK}/test", webhooks.webhook_test, name="webhook-test"),
    path(f"{_WEBHOOK}/switch", webhooks.webhook_switch, name="webhook-switch"),
    path(f"{_WEBHOOK}/rotate", webhooks.webhook_rotate, name="webhook-rotate"),
    path(f"{_WEBHOOK}/replay", webhooks.webhook_replay, name="webhook-replay"),
    path(f"{_WEBHOOK}/remove", webhooks.webhook_remove, name="webhook-remove"),
    path(_DELIVERY, webhooks.webhook_delivery, name="webhook-delivery"),
    path(f"{_DELIVERY}/replay", webhooks.webhook_delivery_replay, name="webhook-delivery-replay"),
    path("search", search.search, name="search"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
