"""Organizations, their people, and domains."""

from __future__ import annotations

from tenants.actions import (
    domain_offers,
    domain_roles,
    domains,
    exports,
    organization_files,
    organization_imports,
    organizations,
    own_account,
    quotas,
    service_tokens,
    suspension,
    trash,
    webhook_deliveries,
    webhooks,
)
from tenants.actions.token_rows import Wish
from tenants.actor import Actor
from tenants.formats.organization_file import FORMAT, VERSION, OrganizationFile, written
from tenants.models import OrganizationImport
from tests.as_if import file_of
from tests.tenants.every_action.world import Rows, World


def _moving(actor: Actor, world: World) -> OrganizationImport:
    return organization_imports.preview_organization_import(
        actor=actor, organization=world.organization, content=file_of("moved.example")
    )


def _move(actor: Actor, world: World) -> OrganizationImport:
    row = _moving(actor, world)
    return organization_imports.apply_organization_import(actor=actor, preview=row, digest=row.digest)


ROWS: Rows = {
    "create_organization": ("P", lambda a, w: organizations.create_organization(actor=a, name="Another")),
    "change_quotas": (
        "P",
        lambda a, w: quotas.change_quotas(
            actor=a, organization=w.organization, domain_quota=7, mailbox_quota=70
        ),
    ),
    "suspend_organization": (
        "P",
        lambda a, w: suspension.suspend_organization(actor=a, organization=w.organization, reason="Unpaid."),
    ),
    "lift_suspension": ("P", lambda a, w: suspension.lift_suspension(actor=a, organization=w.suspended)),
    "offer_domain": ("OP", lambda a, w: domain_offers.offer_domain(actor=a, domain=w.unbound)),
    "take_back_offer": ("OP", lambda a, w: domain_offers.take_back_offer(actor=a, domain=w.offered)),
    "accept_offer": (
        "OP",
        lambda a, w: domain_offers.accept_offer(actor=a, code=w.offer_code, organization=w.organization),
    ),
    "hand_over_domain": (
        "P",
        lambda a, w: domain_offers.hand_over_domain(actor=a, domain=w.unbound, organization=w.spare),
    ),
    "give_domain_role": (
        "OP",
        lambda a, w: domain_roles.give_domain_role(
            actor=a, domain=w.domain, email="new@people.example", role="decider"
        ),
    ),
    "take_domain_role": ("OP", lambda a, w: domain_roles.take_domain_role(actor=a, role=w.domain_role)),
    "require_second_factor": (
        "OP",
        lambda a, w: organizations.require_second_factor(actor=a, organization=w.organization, required=True),
    ),
    "add_member": (
        "OP",
        lambda a, w: organizations.add_member(
            actor=a, organization=w.organization, email="new@people.example", role="viewer"
        ),
    ),
    "create_service_token": (
        "OP",
        lambda a, w: service_tokens.create_service_token(
            actor=a, organization=w.organization, role="viewer", wish=Wish("nightly")
        ),
    ),
    "revoke_service_token": (
        "OP",
        lambda a, w: service_tokens.revoke_service_token(actor=a, membership=w.program),
    ),
    "add_webhook": (
        "OP",
        lambda a, w: webhooks.add_webhook(
            actor=a, organization=w.organization, url="https://hooks.example.net/", name="New"
        ),
    ),
    "change_webhook": ("OP", lambda a, w: webhooks.change_webhook(actor=a, webhook=w.webhook, name="New")),
    "switch_webhook": (
        "OP",
        lambda a, w: webhooks.switch_webhook(actor=a, webhook=w.webhook, enabled=False),
    ),
    "rotate_webhook_secret": (
        "OP",
        lambda a, w: webhooks.rotate_webhook_secret(actor=a, webhook=w.webhook),
    ),
    "remove_webhook": ("OP", lambda a, w: webhooks.remove_webhook(actor=a, webhook=w.webhook)),
    "send_webhook_test": (
        "OP",
        lambda a, w: webhook_deliveries.send_webhook_test(actor=a, webhook=w.webhook),
    ),
    "replay_delivery": (
        "OP",
        lambda a, w: webhook_deliveries.replay_delivery(actor=a, delivery=w.delivery),
    ),
    "replay_deliveries": (
        "OP",
        lambda a, w: webhook_deliveries.replay_deliveries(actor=a, webhook=w.webhook),
    ),
    "remove_member": ("OP", lambda a, w: organizations.remove_member(actor=a, membership=w.membership)),
    "leave_organization": (
        "V",
        lambda a, w: own_account.leave_organization(actor=a, membership=w.membership),
    ),
    "create_domain": (
        "OP",
        lambda a, w: domains.create_domain(actor=a, organization=w.organization, name="new.example"),
    ),
    "change_domain": ("OP", lambda a, w: domains.change_domain(actor=a, domain=w.domain, requests="closed")),
    "change_trash_days": (
        "OP",
        lambda a, w: trash.change_trash_days(actor=a, domain=w.domain, days=7),
    ),
    "export_organization": (
        "OP",
        lambda a, w: organization_files.export_organization(actor=a, organization=w.organization),
    ),
    "import_organization": (
        "OP",
        lambda a, w: organization_files.import_organization(
            actor=a,
            organization=w.organization,
            content=written(OrganizationFile(FORMAT, VERSION, "2026-11-22T09:00:00Z", "Another")),
        ),
    ),
    "ask_for_organization_export": (
        "OP",
        lambda a, w: exports.ask_for_organization_export(actor=a, organization=w.organization, secrets=True),
    ),
    "preview_organization_import": ("OP", _moving),
    "apply_organization_import": ("OP", _move),
    "discard_organization_import": (
        "OP",
        lambda a, w: organization_imports.discard_organization_import(actor=a, preview=_moving(a, w)),
    ),
    "ask_for_export": ("OP", lambda a, w: exports.ask_for_export(actor=a, domain=w.domain)),
    "fetch_export": (
        "OP",
        lambda a, w: exports.fetch_export(actor=a, export=w.export, key=w.export_key),
    ),
}
