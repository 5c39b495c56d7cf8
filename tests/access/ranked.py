"""For which actions the rank of whoever holds an address counts, how each is tried, for which it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from tenants.actions import aliases, bulk, holders, imports, mailboxes, organizations, requests, targets
from tenants.actions.import_rows import Outcome
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import Account, AddressRequest, Mailbox, Membership
from tests.conftest import HASH
from tests.world import World


@dataclass
class Place:
    """The address boss@…, which somebody signs in with or holds, and the request for a name like it."""

    world: World
    mailbox: Mailbox
    request: AddressRequest
    boss: Account


Act = Callable[[Actor, Place], object]


def _off(place: Place) -> Mailbox:
    Mailbox.objects.filter(pk=place.mailbox.pk).update(enabled=False)
    return place.mailbox


def _trashed(place: Place) -> Mailbox:
    Mailbox.objects.filter(pk=place.mailbox.pk).update(trashed_at=timezone.now())
    place.mailbox.refresh_from_db()
    return place.mailbox


def _of_a_set(results: Sequence[bulk.Result] | Sequence[Outcome]) -> None:
    """A set tells of each what a single action raises."""
    for result in results:
        if result.problems:
            raise Forbidden(result.problems[0].problem)


def _membership(place: Place) -> Membership:
    row, _ = Membership.objects.get_or_create(
        organization=place.world.organization, account=place.boss, defaults={"role": "viewer"}
    )
    return row


# What leads mail, or a say over the address, elsewhere.
RANKED: dict[str, Act] = {
    "set_passphrase": lambda a, p: mailboxes.set_passphrase(actor=a, mailbox=p.mailbox, password_hash=HASH),
    "add_target": lambda a, p: targets.add_target(actor=a, mailbox=p.mailbox, address="x@home.example"),
    "remove_target": lambda a, p: targets.remove_target(
        actor=a, mailbox=p.mailbox, address="first@home.example"
    ),
    "send_confirmation_again": lambda a, p: targets.send_confirmation_again(
        actor=a, mailbox=p.mailbox, address="second@home.example"
    ),
    "restore_mailbox": lambda a, p: mailboxes.restore_mailbox(actor=a, mailbox=_trashed(p)),
    "switch_mailbox": lambda a, p: mailboxes.switch_mailbox(actor=a, mailbox=_off(p), enabled=True),
    "add_holder": lambda a, p: holders.add_holder(actor=a, mailbox=p.mailbox, email="x@people.example"),
    "remove_holder": lambda a, p: holders.remove_holder(
        actor=a, mailbox=p.mailbox, email="also@people.example"
    ),
    "hand_over": lambda a, p: holders.hand_over(actor=a, mailbox=p.mailbox, email="x@people.example"),
    "change_mailboxes": lambda a, p: _of_a_set(
        bulk.change_mailboxes(
            actor=a,
            domain=p.world.domain,
            chosen=Mailbox.objects.filter(pk=_off(p).pk),
            deed="switch_on",
            rehearse=True,
        ).results
    ),
    "import_addresses": lambda a, p: _of_a_set(
        imports.import_addresses(
            actor=a, domain=p.world.domain, content=b"address,targets\nboss,x@home.example\n", rehearse=True
        ).preview.outcomes
    ),
}
# The same where the address is not there yet: only who signs in with it counts.
RANKED_BEFORE: dict[str, Act] = {
    "create_mailbox": lambda a, p: mailboxes.create_mailbox(
        actor=a, domain=p.world.domain, local_part="coming", targets=["x@home.example"]
    ),
    "approve_request": lambda a, p: requests.approve_request(actor=a, request=p.request),
}
RANKED_BEFORE["create_alias"] = lambda a, p: aliases.create_alias(
    actor=a, domain=p.world.domain, local_part="coming", delivers_to=[], targets=["x@home.example"]
)
# It is the organization's domain: what gives nobody's mail away stays possible, whoever it is.
FREE: dict[str, Act] = {
    "switch_mailbox": lambda a, p: mailboxes.switch_mailbox(actor=a, mailbox=p.mailbox, enabled=False),
    "change_note": lambda a, p: mailboxes.change_note(actor=a, mailbox=p.mailbox, note="leaves in May"),
    "trash_mailbox": lambda a, p: mailboxes.trash_mailbox(actor=a, mailbox=p.mailbox),
    "refuse_request": lambda a, p: requests.refuse_request(actor=a, request=p.request, reason="No."),
}
# Who belongs to an organization is its owners' to say; an account itself is out of their reach.
OF_OWNERS: dict[str, Act] = {
    "add_member": lambda a, p: organizations.add_member(
        actor=a, organization=p.world.organization, email=p.boss.email, role="viewer"
    ),
    "remove_member": lambda a, p: organizations.remove_member(actor=a, membership=_membership(p)),
}
# Not about somebody's address, request or membership, or only ever about one's own.
ELSEWHERE = {
    "decide_held_messages",
    "let_all_go",
    "let_go",
    "create_service_token",
    "revoke_service_token",
    "change_domain",
    "change_drift_mode",
    "change_own_note",
    "change_quotas",
    "require_second_factor",
    "check_now",
    "confirm_host_key",
    "confirm_reload",
    "connect_repository",
    "create_domain",
    "create_organization",
    "approve_plan",
    "decide_findings",  # a test of its own
    "leave_organization",
    "link_certificate",
    "link_reader",
    "change_restart_pace",
    "restart_for_certificate",
    "restart_readers",
    "unlink_certificate",
    "unlink_reader",
    # Rules and lists of a domain, dates, and the end of what is in the trash.
    "accept_shared_exchange",
    "change_alias_rules",
    "change_expiry",
    "change_request_rules",
    "change_trash_days",
    "empty_trash",
    "extend_address",
    "hold_name",
    "give_domain_role",
    "offer_domain",
    "take_back_offer",
    "accept_offer",
    "hand_over_domain",
    "lift_suspension",
    "make_invitation",
    "suspend_organization",
    "take_domain_role",
    "purge_mailbox",
    "release_name",
    "withdraw_invitation",
    # By the actions that they go through.
    "import_organization",
    "export_organization",
    "ask_for_organization_export",
    "preview_organization_import",
    "apply_organization_import",
    "discard_organization_import",
    "change_deliveries",
    "undo_event",
    "preview_import",
    "renew_import",
    "discard_import",
    "apply_import",
    "recheck",
    "mute_check",
    "unmute_check",
    "keep_dns_elsewhere",
    "request_preview",
    "send_test_mail",
    "remove_firewall_rule",
    "release_firewall",
    "manage_firewall",
    "look_at_preparation",
    "prepare_host",
    "change_firewall_rule",
    "change_firewall",
    "add_firewall_rule",
    "add_host",
    "add_network",
    "add_public_address",
    "add_secondary",
    "answer_add_name",
    "add_volume",
    "make_signing_key",
    "switch_signing_key",
    "remove_signing_key",
    "ask_for_export",
    "fetch_export",
    "change_image",
    "change_primary",
    "change_quota",
    "change_record_sets",
    "change_soa",
    "change_unikernel",
    "connect_update_server",
    "change_update_server",
    "change_update_key",
    "connect_zone_repository",
    "create_key",
    "create_unikernel",
    "create_zone",
    "delete_image",
    "delete_record_set",
    "delete_unikernel",
    "delete_volume",
    "freeze_record_set",
    "freeze_zone",
    "import_zone",
    "look_at_git_host",
    "disconnect_update_server",
    "look_for_ownership",
    "move_zone",
    "remove_zone",
    "let_go_zone",
    "bring_zone_back",
    "pin_host_key",
    "renew_authority",
    "prepare_git_host",
    "remove_host",
    "remove_key",
    "remove_network",
    "remove_public_address",
    "preview_stack",
    "make_stack",
    "look_at_installation",
    "preview_adoption",
    "adopt_stack",
    "take_over_rules",
    "retry_phase",
    "cancel_stack",
    "resume_stack",
    "remove_stack",
    "decide_open_relay",
    "make_canary",
    "follow_letter",
    "preview_upgrade",
    "upgrade_stack",
    "preview_return",
    "make_current",
    "roll_back",
    "remove_secondary",
    "rotate_key",
    "set_record_set",
    "share_host",
    "share_image",
    "start_unikernel",
    "stop_unikernel",
    "unshare_host",
    "upload_image",
    "fetch_image",
    "fetch_image_again",
    "add_feed",
    "change_feed",
    "look_at_feed",
    "take_build",
    "ignore_build",
    "remove_feed",
    "add_webhook",
    "change_webhook",
    "switch_webhook",
    "rotate_webhook_secret",
    "remove_webhook",
    "send_webhook_test",
    "replay_delivery",
    "replay_deliveries",
    "add_build_server",
    "remove_build_server",
}
