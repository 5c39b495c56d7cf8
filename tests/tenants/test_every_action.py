"""Each action, tried by everybody who may not: it answers rightly and leaves no trace.

The list is complete by a test of its own: a new action has to say here who may not use it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from pytest_django import DjangoDbBlocker

import tenants.actions
from tenants import access
from tenants.actions import (
    adoption,
    alias_rules,
    aliases,
    bulk,
    certificate_uses,
    domain_exports,
    domains,
    expiry,
    firewalls,
    git_hosts,
    holders,
    host_adoption,
    hosts,
    image_feeds,
    image_fetches,
    image_sharing,
    images,
    imports,
    invitations,
    mail_checks,
    mailboxes,
    names,
    networks,
    organizations,
    own_account,
    preparations,
    public_addresses,
    readers,
    record_sets,
    repositories,
    request_rules,
    requests,
    secondaries,
    signing_keys,
    stacks,
    sync,
    targets,
    test_mail,
    trash,
    tsig_keys,
    undo,
    unikernels,
    update_servers,
    volumes,
    warnings,
    zone_endings,
    zone_imports,
    zone_places,
    zone_repositories,
    zones,
)
from tenants.actions.blueprints import Choices, preview_stack
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.sshkeys import fingerprint, new_ssh_key
from tenants.formats.way_out.archive import new_key
from tenants.models import (
    AddressImport,
    AddressRequest,
    BuildServer,
    CertificateUse,
    CheckLine,
    Condition,
    Domain,
    DomainExport,
    Event,
    Finding,
    Firewall,
    FirewallRule,
    HeldName,
    Host,
    HostShare,
    Image,
    ImageFeed,
    ImageFetch,
    Invitation,
    Mailbox,
    Membership,
    Network,
    Organization,
    PublicAddress,
    Repository,
    RepositoryReader,
    Run,
    SecondaryServer,
    SigningKey,
    Stack,
    SyncTarget,
    TsigKey,
    Unikernel,
    UpdateServer,
    Volume,
    Zone,
)
from tenants.reach import REACHES_SOMEBODY
from tests.conftest import HASH, account, join, make_address
from tests.exchanges import shared_pair
from tests.hosting import FORWARDED, WITH_DISK, Rock, build_rock, upload, waiting_reader, waiting_use
from tests.stacking import build_stack
from tests.tenants.zoning import MAIL, begin, connect
from tests.world import CHECKSUM, HOST_KEY, UPDATE_KEY, ready_export, seen_host


@dataclass
class World:
    organization: Organization
    domain: Domain
    mailbox: Mailbox
    trashed: Mailbox
    untouched: Mailbox
    alias: Mailbox
    held: HeldName
    shared: Mailbox
    request: AddressRequest
    invitation: Invitation
    membership: Membership
    repository: Repository
    target: SyncTarget
    run: Run
    fingerprint: str
    zone: Zone
    zones_at: Repository
    key: TsigKey
    secondary: SecondaryServer
    signing_key: SigningKey
    old_signing_key: SigningKey
    export: DomainExport
    export_key: str
    unproved: Zone
    let_go: Zone
    updated: UpdateServer
    host: Host
    share: HostShare
    bare_host: HostShare
    image: Image
    bare_image: Image
    network: Network
    bare_network: Network
    unikernel: Unikernel
    stopped: Unikernel
    guest_share: HostShare
    spare: Organization
    reader: RepositoryReader
    use: CertificateUse
    fetch: ImageFetch
    feed: ImageFeed
    volume: Volume
    build_server: BuildServer
    firewall: Firewall
    firewall_rule: FirewallRule
    public: PublicAddress
    stack: Stack
    halted: Stack
    ready: Domain


Act = Callable[[Actor, World], object]


def preview(actor: Actor, world: World) -> AddressImport:
    return imports.preview_import(actor=actor, domain=world.domain, content=b"address\nmary\n")


def choices(world: World) -> Choices:
    """Those of a stack that can be made."""
    images = dict.fromkeys(ROLES, world.image)
    return Choices(world.share, world.network, world.public, images, services={})


def plan_digest(world: World) -> str:
    return preview_stack(actor=Actor.rookery(), domain=world.ready, choices=choices(world)).digest


def apply_import(actor: Actor, row: AddressImport) -> object:
    return imports.apply_import(actor=actor, preview=row, digest=row.digest)


# What these write is not one event called like the action; sets write one for each member, too.
WRITES = {
    "take_build": ["fetch_image", "take_build"],
    "undo_event": ["trash_mailbox"],
    "empty_trash": ["purge_mailbox"],
    "import_addresses": ["create_mailbox", "import_addresses"],
    "apply_import": ["create_mailbox", "import_addresses"],
    "change_mailboxes": ["switch_mailbox", "change_mailboxes"],
    "preview_import": [],
    "renew_import": [],
    "discard_import": [],
    "recheck": [],
    "change_record_sets": ["set_record_set", "set_record_set"],
    "import_zone": ["set_record_set"],
    "add_secondary": ["set_record_set", "set_record_set", "add_secondary"],
    "remove_secondary": ["set_record_set", "delete_record_set", "remove_secondary"],
    "preview_stack": [],
    "make_stack": [
        "create_key",
        "make_signing_key",
        *["create_key"] * 3,
        *["create_unikernel"] * 4,
        "link_reader",
        *["create_unikernel"] * 2,
        "link_reader",
        *["create_unikernel"] * 2,
        "make_stack",
    ],
}

# About the whole installation: nothing is hidden from those who may not.
INSTALLATION = {"create_organization", "add_build_server", "remove_build_server"}

# Who may: O owner, M manager, V viewer, H holder of the address, P operator. Nobody else.
ACTIONS: dict[str, tuple[str, Act]] = {
    "create_organization": ("P", lambda a, w: organizations.create_organization(actor=a, name="Another")),
    "change_quotas": (
        "P",
        lambda a, w: organizations.change_quotas(
            actor=a, organization=w.organization, domain_quota=7, mailbox_quota=70
        ),
    ),
    "add_member": (
        "OP",
        lambda a, w: organizations.add_member(
            actor=a, organization=w.organization, email="new@people.example", role="viewer"
        ),
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
    "create_mailbox": (
        "OMP",
        lambda a, w: mailboxes.create_mailbox(
            actor=a, domain=w.domain, local_part="new", targets=["new@home.example"]
        ),
    ),
    "set_passphrase": (
        "OMHP",
        lambda a, w: mailboxes.set_passphrase(actor=a, mailbox=w.mailbox, password_hash=HASH),
    ),
    "switch_mailbox": (
        "OMHP",
        lambda a, w: mailboxes.switch_mailbox(actor=a, mailbox=w.mailbox, enabled=False),
    ),
    "change_note": ("OMP", lambda a, w: mailboxes.change_note(actor=a, mailbox=w.mailbox, note="new")),
    "create_alias": (
        "OMP",
        lambda a, w: aliases.create_alias(actor=a, domain=w.domain, local_part="new", delivers_to=["ada"]),
    ),
    "change_deliveries": (
        "OMP",
        lambda a, w: aliases.change_deliveries(actor=a, alias=w.alias, delivers_to=["ada", "bob"]),
    ),
    "change_alias_rules": (
        "OP",
        lambda a, w: alias_rules.change_alias_rules(
            actor=a, domain=w.domain, allowed=True, pattern="{own}-*", most_each=5
        ),
    ),
    "change_expiry": (
        "OMP",
        lambda a, w: expiry.change_expiry(
            actor=a, mailbox=w.mailbox, expires_at=timezone.now() + timedelta(days=5)
        ),
    ),
    "extend_address": ("OMP", lambda a, w: expiry.extend_address(actor=a, mailbox=w.alias)),
    "hold_name": ("OMP", lambda a, w: names.hold_name(actor=a, domain=w.domain, local_part="spent")),
    "release_name": ("OP", lambda a, w: names.release_name(actor=a, held=w.held)),
    "trash_mailbox": ("OMHP", lambda a, w: mailboxes.trash_mailbox(actor=a, mailbox=w.mailbox)),
    "restore_mailbox": ("OMP", lambda a, w: mailboxes.restore_mailbox(actor=a, mailbox=w.trashed)),
    "add_holder": (
        "OMP",
        lambda a, w: holders.add_holder(actor=a, mailbox=w.mailbox, email="new@people.example"),
    ),
    "remove_holder": (
        "OMP",
        lambda a, w: holders.remove_holder(actor=a, mailbox=w.shared, email="erin@people.example"),
    ),
    "hand_over": (
        "OMP",
        lambda a, w: holders.hand_over(actor=a, mailbox=w.mailbox, email="new@people.example"),
    ),
    "change_own_note": (
        "H",
        lambda a, w: holders.change_own_note(actor=a, mailbox=w.mailbox, note="for letters"),
    ),
    "add_target": (
        "OMHP",
        lambda a, w: targets.add_target(actor=a, mailbox=w.mailbox, address="new@home.example"),
    ),
    "remove_target": (
        "OMHP",
        lambda a, w: targets.remove_target(actor=a, mailbox=w.mailbox, address="ada@home.example"),
    ),
    "send_confirmation_again": (
        "OMHP",
        lambda a, w: targets.send_confirmation_again(
            actor=a, mailbox=w.mailbox, address="later@home.example"
        ),
    ),
    "import_addresses": (
        "OMP",
        lambda a, w: imports.import_addresses(actor=a, domain=w.domain, content=b"address\nmary\n"),
    ),
    "preview_import": ("OMP", preview),
    "renew_import": ("OMP", lambda a, w: imports.renew_import(actor=a, preview=preview(a, w))),
    "discard_import": ("OMP", lambda a, w: imports.discard_import(actor=a, preview=preview(a, w))),
    "apply_import": ("OMP", lambda a, w: apply_import(a, preview(a, w))),
    "change_mailboxes": (
        "OMP",
        lambda a, w: bulk.change_mailboxes(
            actor=a, domain=w.domain, chosen=Mailbox.objects.filter(pk=w.mailbox.pk), deed="switch_off"
        ),
    ),
    "accept_shared_exchange": (
        "OMP",
        lambda a, w: warnings.accept_shared_exchange(
            actor=a, mailbox=w.mailbox, address="south@south.shared.example"
        ),
    ),
    "approve_request": ("OMP", lambda a, w: requests.approve_request(actor=a, request=w.request)),
    "refuse_request": ("OMP", lambda a, w: requests.refuse_request(actor=a, request=w.request, reason="No.")),
    "change_request_rules": (
        "OP",
        lambda a, w: request_rules.change_request_rules(actor=a, domain=w.domain, pattern="*.*"),
    ),
    "make_invitation": ("OMP", lambda a, w: invitations.make_invitation(actor=a, domain=w.domain)),
    "withdraw_invitation": (
        "OMP",
        lambda a, w: invitations.withdraw_invitation(actor=a, invitation=w.invitation),
    ),
    "connect_repository": (
        "OP",
        lambda a, w: repositories.connect_repository(
            actor=a, domain=Domain.objects.get(name="second.example"), host="git.example.org", path="b.git"
        ),
    ),
    "confirm_host_key": (
        "OP",
        lambda a, w: repositories.confirm_host_key(
            actor=a, repository=w.repository, fingerprint_seen=w.fingerprint
        ),
    ),
    "check_now": ("OMP", lambda a, w: sync.check_now(actor=a, target=w.target)),
    "request_preview": ("OMP", lambda a, w: sync.request_preview(actor=a, target=w.target)),
    "approve_plan": ("OP", lambda a, w: sync.approve_plan(actor=a, run=w.run, checksum="ab" * 32)),
    "change_drift_mode": ("OP", lambda a, w: sync.change_drift_mode(actor=a, target=w.target, mode="repair")),
    "decide_findings": (
        "OP",
        lambda a, w: adoption.decide_findings(actor=a, target=w.target, decision="adopt", units=["mary"]),
    ),
    "link_reader": (
        "OP",
        lambda a, w: readers.link_reader(actor=a, repository=w.repository, unikernel=w.stopped, role="relay"),
    ),
    "unlink_reader": ("OP", lambda a, w: readers.unlink_reader(actor=a, reader=w.reader)),
    "change_restart_pace": (
        "OP",
        lambda a, w: readers.change_restart_pace(actor=a, repository=w.repository, quiet=60, apart=900),
    ),
    "restart_readers": ("OMP", lambda a, w: readers.restart_readers(actor=a, repository=w.repository)),
    "link_certificate": (
        "OP",
        lambda a, w: certificate_uses.link_certificate(
            actor=a, unikernel=w.stopped, certificate=w.use.zone.certificates.get()
        ),
    ),
    "unlink_certificate": ("OP", lambda a, w: certificate_uses.unlink_certificate(actor=a, use=w.use)),
    "restart_for_certificate": (
        "OMP",
        lambda a, w: certificate_uses.restart_for_certificate(actor=a, use=w.use),
    ),
    "confirm_reload": ("OP", lambda a, w: sync.confirm_reload(actor=a, target=w.target)),
    "change_trash_days": (
        "OP",
        lambda a, w: trash.change_trash_days(actor=a, domain=w.domain, days=7),
    ),
    "purge_mailbox": (
        "OP",
        lambda a, w: trash.purge_mailbox(actor=a, mailbox=w.trashed, typed=str(w.trashed)),
    ),
    "empty_trash": (
        "OP",
        lambda a, w: trash.empty_trash(actor=a, domain=w.domain, typed=w.domain.name),
    ),
    "undo_event": (
        "OMHP",
        lambda a, w: undo.undo_event(
            actor=a, event=Event.objects.get(verb="create_mailbox", mailbox=w.untouched)
        ),
    ),
    "connect_zone_repository": (
        "OP",
        lambda a, w: zone_repositories.connect_zone_repository(
            actor=a,
            organization=w.organization,
            host="git.example.org",
            path="more.git",
            address="127.0.0.54",
        ),
    ),
    "change_primary": (
        "OP",
        lambda a, w: zone_repositories.change_primary(actor=a, repository=w.zones_at, address="127.0.0.55"),
    ),
    "look_at_git_host": (
        "OP",
        lambda a, w: git_hosts.look_at_git_host(actor=a, repository=w.zones_at),
    ),
    "prepare_git_host": (
        "OP",
        lambda a, w: git_hosts.prepare_git_host(actor=a, repository=w.zones_at, plan=CHECKSUM),
    ),
    "connect_update_server": (
        "OP",
        lambda a, w: update_servers.connect_update_server(
            actor=a, organization=w.organization, name="ns2", address="9.9.9.10", key=UPDATE_KEY
        ),
    ),
    "change_update_server": (
        "OP",
        lambda a, w: update_servers.change_update_server(
            actor=a, server=w.updated, name="ns1", address="9.9.9.11"
        ),
    ),
    "change_update_key": (
        "OP",
        lambda a, w: update_servers.change_update_key(actor=a, server=w.updated, key=UPDATE_KEY),
    ),
    "move_zone": (
        "OP",
        lambda a, w: zone_places.move_zone(actor=a, zone=w.zone, server=w.updated, even_so=True),
    ),
    "disconnect_update_server": (
        "OP",
        lambda a, w: zone_places.disconnect_update_server(actor=a, server=w.updated),
    ),
    "create_zone": (
        "OP",
        lambda a, w: zones.create_zone(
            actor=a, domain=Domain.objects.get(name="second.example"), repository=w.zones_at
        ),
    ),
    "change_soa": ("OP", lambda a, w: zones.change_soa(actor=a, zone=w.zone, minimum=60)),
    "freeze_zone": ("OP", lambda a, w: zones.freeze_zone(actor=a, zone=w.zone, frozen=True)),
    "remove_zone": ("OP", lambda a, w: zone_endings.remove_zone(actor=a, zone=w.zone, name="example.org")),
    "let_go_zone": ("OP", lambda a, w: zone_endings.let_go_zone(actor=a, zone=w.zone)),
    "bring_zone_back": ("OP", lambda a, w: zone_endings.bring_zone_back(actor=a, zone=w.let_go)),
    "look_for_ownership": ("OP", lambda a, w: zones.look_for_ownership(actor=a, zone=w.unproved)),
    "change_record_sets": (
        "OP",
        lambda a, w: record_sets.change_record_sets(actor=a, zone=w.zone, changes=MAIL),
    ),
    "set_record_set": (
        "OP",
        lambda a, w: record_sets.set_record_set(
            actor=a, zone=w.zone, owner="www", record_type="A", data=["192.0.2.80"]
        ),
    ),
    "import_zone": (
        "OP",
        lambda a, w: zone_imports.import_zone(actor=a, zone=w.zone, text="shop A 192.0.2.81"),
    ),
    "delete_record_set": (
        "OP",
        lambda a, w: record_sets.delete_record_set(actor=a, zone=w.zone, owner="old", record_type="A"),
    ),
    "freeze_record_set": (
        "OP",
        lambda a, w: record_sets.freeze_record_set(
            actor=a, zone=w.zone, owner="old", record_type="A", frozen=True
        ),
    ),
    "create_key": (
        "OP",
        lambda a, w: tsig_keys.create_key(
            actor=a, repository=w.zones_at, zone=w.zone, used_by="new", right="notify"
        ),
    ),
    "rotate_key": ("OP", lambda a, w: tsig_keys.rotate_key(actor=a, key=w.key)),
    "remove_key": ("OP", lambda a, w: tsig_keys.remove_key(actor=a, key=w.key)),
    "add_secondary": (
        "OP",
        lambda a, w: secondaries.add_secondary(
            actor=a, zone=w.zone, host="ns6.gandi.example", address="127.0.0.40"
        ),
    ),
    "remove_secondary": ("OP", lambda a, w: secondaries.remove_secondary(actor=a, server=w.secondary)),
    "make_signing_key": (
        "OP",
        lambda a, w: signing_keys.make_signing_key(actor=a, domain=w.domain, selector="new"),
    ),
    "switch_signing_key": (
        "OP",
        lambda a, w: signing_keys.switch_signing_key(actor=a, key=w.signing_key, in_use=False),
    ),
    "remove_signing_key": (
        "OP",
        lambda a, w: signing_keys.remove_signing_key(actor=a, key=w.old_signing_key),
    ),
    "ask_for_export": ("OP", lambda a, w: domain_exports.ask_for_export(actor=a, domain=w.domain)),
    "fetch_export": (
        "OP",
        lambda a, w: domain_exports.fetch_export(actor=a, export=w.export, key=w.export_key),
    ),
    "add_host": (
        "OP",
        lambda a, w: hosts.add_host(
            actor=a,
            organization=w.organization,
            name="cliff",
            transport="ssh",
            host="cliff.example",
            username="rookery",
        ),
    ),
    "pin_host_key": (
        "OP",
        lambda a, w: hosts.pin_host_key(actor=a, host=w.host, fingerprint_seen=w.fingerprint),
    ),
    "remove_host": ("OP", lambda a, w: hosts.remove_host(actor=a, host=w.bare_host.host)),
    "share_host": (
        "P",
        lambda a, w: hosts.share_host(actor=a, host=w.host, organization=w.spare, path="spare"),
    ),
    "unshare_host": ("P", lambda a, w: hosts.unshare_host(actor=a, share=w.guest_share)),
    "change_quota": ("OP", lambda a, w: hosts.change_quota(actor=a, share=w.share, memory=600)),
    "add_network": (
        "OP",
        lambda a, w: networks.add_network(actor=a, share=w.share, bridge="third", subnet="10.0.3.0/24"),
    ),
    "remove_network": ("OP", lambda a, w: networks.remove_network(actor=a, network=w.bare_network)),
    "add_volume": ("OP", lambda a, w: volumes.add_volume(actor=a, share=w.share, label="more", size=8)),
    "add_build_server": ("P", lambda a, w: image_fetches.add_build_server(actor=a, name="b.example.org")),
    "remove_build_server": (
        "P",
        lambda a, w: image_fetches.remove_build_server(actor=a, server=w.build_server),
    ),
    "fetch_image": (
        "OP",
        lambda a, w: image_fetches.fetch_image(
            actor=a, organization=w.organization, url=f"https://{w.build_server}/new.hvt"
        ),
    ),
    "fetch_image_again": ("OP", lambda a, w: image_fetches.fetch_image_again(actor=a, fetch=w.fetch)),
    "add_feed": (
        "OP",
        lambda a, w: image_feeds.add_feed(
            actor=a, organization=w.organization, url=f"https://{w.build_server}/job/signer"
        ),
    ),
    "change_feed": ("OP", lambda a, w: image_feeds.change_feed(actor=a, feed=w.feed, era="2026")),
    "look_at_feed": ("OP", lambda a, w: image_feeds.look_at_feed(actor=a, feed=w.feed)),
    "take_build": ("OP", lambda a, w: image_feeds.take_build(actor=a, feed=w.feed, sha256=w.feed.sha256)),
    "ignore_build": ("OP", lambda a, w: image_feeds.ignore_build(actor=a, feed=w.feed, sha256=w.feed.sha256)),
    "remove_feed": ("OP", lambda a, w: image_feeds.remove_feed(actor=a, feed=w.feed)),
    "delete_volume": ("OP", lambda a, w: volumes.delete_volume(actor=a, volume=w.volume)),
    "look_at_preparation": (
        "P",
        lambda a, w: preparations.look_at_preparation(actor=a, host=w.bare_host.host),
    ),
    "prepare_host": (
        "P",
        lambda a, w: preparations.prepare_host(actor=a, host=w.bare_host.host, plan=CHECKSUM),
    ),
    "manage_firewall": ("P", lambda a, w: firewalls.manage_firewall(actor=a, host=w.bare_host.host)),
    "release_firewall": ("P", lambda a, w: firewalls.release_firewall(actor=a, firewall=w.firewall)),
    "change_firewall": (
        "P",
        lambda a, w: firewalls.change_firewall(actor=a, firewall=w.firewall, isolates=True),
    ),
    "add_firewall_rule": (
        "P",
        lambda a, w: firewalls.add_firewall_rule(actor=a, firewall=w.firewall, **{**FORWARDED, "port": 465}),
    ),
    "change_firewall_rule": (
        "P",
        lambda a, w: firewalls.change_firewall_rule(
            actor=a, rule=w.firewall_rule, **{**FORWARDED, "note": "mail"}
        ),
    ),
    "remove_firewall_rule": (
        "P",
        lambda a, w: firewalls.remove_firewall_rule(actor=a, rule=w.firewall_rule),
    ),
    "add_public_address": (
        "OP",
        lambda a, w: public_addresses.add_public_address(actor=a, share=w.share, address="192.0.2.99"),
    ),
    "remove_public_address": (
        "OP",
        lambda a, w: public_addresses.remove_public_address(actor=a, public=w.public),
    ),
    "preview_stack": ("OP", lambda a, w: preview_stack(actor=a, domain=w.ready, choices=choices(w))),
    "make_stack": (
        "OP",
        lambda a, w: stacks.make_stack(actor=a, domain=w.ready, choices=choices(w), plan=plan_digest(w)),
    ),
    "retry_phase": ("OP", lambda a, w: stacks.retry_phase(actor=a, stack=w.stack, phase="git")),
    "cancel_stack": ("OP", lambda a, w: stacks.cancel_stack(actor=a, stack=w.stack)),
    "resume_stack": ("OP", lambda a, w: stacks.resume_stack(actor=a, stack=w.halted)),
    "remove_stack": ("OP", lambda a, w: stacks.remove_stack(actor=a, stack=w.stack, name="example.org")),
    "decide_open_relay": (
        "OP",
        lambda a, w: stacks.decide_open_relay(actor=a, stack=w.stack, open_relay=True),
    ),
    "upload_image": ("OP", lambda a, w: upload(a, w.organization, WITH_DISK)),
    "change_image": ("OP", lambda a, w: images.change_image(actor=a, image=w.image, note="new")),
    "share_image": ("OP", lambda a, w: image_sharing.share_image(actor=a, image=w.image, shared=True)),
    "delete_image": ("OP", lambda a, w: images.delete_image(actor=a, image=w.bare_image)),
    "create_unikernel": (
        "OP",
        lambda a, w: unikernels.create_unikernel(actor=a, share=w.share, name="new", image=w.bare_image),
    ),
    "change_unikernel": (
        "OP",
        lambda a, w: unikernels.change_unikernel(actor=a, unikernel=w.unikernel, memory=48),
    ),
    "stop_unikernel": (
        "OMP",
        lambda a, w: unikernels.stop_unikernel(actor=a, unikernel=w.unikernel),
    ),
    "start_unikernel": (
        "OMP",
        lambda a, w: unikernels.start_unikernel(actor=a, unikernel=w.stopped),
    ),
    "answer_add_name": (
        "OP",
        lambda a, w: host_adoption.answer_add_name(actor=a, unikernel=w.unikernel, add_name=True),
    ),
    "delete_unikernel": ("OP", lambda a, w: unikernels.delete_unikernel(actor=a, unikernel=w.unikernel)),
    "recheck": ("OMP", lambda a, w: mail_checks.recheck(actor=a, domain=w.domain, checks=["mx"])),
    "mute_check": (
        "OP",
        lambda a, w: mail_checks.mute_check(
            actor=a,
            domain=w.domain,
            line="mx",
            reason="being moved",
            until=timezone.now() + timedelta(days=5),
        ),
    ),
    "unmute_check": ("OP", lambda a, w: mail_checks.unmute_check(actor=a, domain=w.domain, line="spf")),
    "keep_dns_elsewhere": (
        "OP",
        lambda a, w: mail_checks.keep_dns_elsewhere(actor=a, domain=w.domain, elsewhere=True),
    ),
    "send_test_mail": ("OMHP", lambda a, w: test_mail.send_test_mail(actor=a, mailbox=w.mailbox)),
}
# Not about an object of somebody: strangers' doors and one's own account, with tests of their own.
OTHERS = {
    "ask_for_sign_in_link",
    "confirm_request",
    "confirm_target",
    "create_operator",
    "create_token",
    "decide_by_link",
    "expire_addresses",
    "adopt_record_sets",
    "forget_removed_keys",
    "record_dropped",
    "record_ownership",
    "record_public_key",
    "record_export",
    "expire_exports",
    "record_certificates",
    "propose_restarts",
    "record_git_host",
    "record_preparation",
    "record_preparation_progress",
    "read_zone_text",
    "record_removed",
    "record_server_answers",
    "record_zones",
    "take_over_zone",
    "delete_account",
    "expire_requests",
    "fail_fetch",
    "fail_look",
    "record_build",
    "forget_fetches",
    "keep_fetched_image",
    "forget_deleted_unikernels",
    "forget_watched",
    "keep_watched",
    "forget_deleted_volumes",
    "forget_imports",
    "forget_former_passphrases",
    "purge_trash",
    "redeem_sign_in_link",
    "refuse_requests",
    "remind_deciders",
    "note_likeness",
    "record_findings",
    "record_lookup",
    "review_address",
    "remind_of_expiry",
    "revoke_token",
    "set_panel_password",
    "sign_in_with_password",
    "submit_request",
    "take_over",
    "take_over_unikernel",
    "take_over_volume",
    "take_over_image",
    "record_phases",
    "write_phase",
    "withdraw_phase",
    "forget_removed_stacks",
    "withdraw_request",
}


def test_the_list_of_actions_is_complete() -> None:
    """An action is what takes an actor by name."""
    found: set[str] = set()
    for path in Path(tenants.actions.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and any(
                each.arg == "actor" for each in node.args.kwonlyargs
            ):
                found.add(node.name)
    assert found == set(ACTIONS) | OTHERS


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Instead of pytest-django's, one transaction for a whole file; what a test changes is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _taken_back(db: None) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def stage(db: None) -> tuple[World, dict[str, Actor]]:
    """One world for all tests of a file."""
    olga = Actor(account=account("olga", is_staff=True))
    ours = organizations.create_organization(actor=Actor.rookery(), name="Analytical Society")
    theirs = organizations.create_organization(actor=Actor.rookery(), name="Difference Works")
    alice, mary, bob = (
        _member(ours, name, role)
        for name, role in (("alice", "owner"), ("mary", "manager"), ("bob", "viewer"))
    )
    people = {
        "O": alice,
        "M": mary,
        "V": bob,
        "H": Actor(account=account("dora")),
        "P": olga,
        "owner of another organization": _member(theirs, "charlie", "owner"),
        "nobody": Actor(),
        "owner's read-only key": replace(alice, token="k", read_only=True),
        "operator's read-only key": replace(olga, token="k", read_only=True),
        "operator's key for elsewhere": replace(olga, token="k", organization_id=theirs.pk),
        "owner who was switched off": Actor(account=switched_off(ours)),
    }
    domain = domains.create_domain(actor=alice, organization=ours, name="example.org")
    return build_world(people, alice, domain, partial(make_address, alice, domain)), people


def _member(organization: Organization, name: str, role: str) -> Actor:
    person = account(name)
    join(organization, person, role)
    return Actor(account=person)


@pytest.fixture
def people(stage: tuple[World, dict[str, Actor]]) -> dict[str, Actor]:
    return {name: replace(actor) for name, actor in stage[1].items()}


@pytest.fixture
def world(stage: tuple[World, dict[str, Actor]]) -> World:
    return reread(stage[0])


def reread(world: World) -> World:
    """The same rows as they are in the database: actions change those that they are given."""
    return replace(
        world,
        **{
            name: type(row)._default_manager.get(pk=row.pk)
            for name, row in vars(world).items()
            if isinstance(row, Model)
        },
    )


def switched_off(organization: Organization) -> Any:
    person = account("ophelia")
    organizations.add_member(
        actor=Actor.rookery(), organization=organization, email=person.email, role="owner"
    )
    person.is_active = False
    person.save()
    return person


def build_world(
    people: dict[str, Actor], alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> World:
    second = domains.create_domain(actor=alice, organization=domain.organization, name="second.example")
    assert second.pk
    zones_at = connect(alice, domain)
    zone = begin(alice, domain, zones_at)
    Repository.objects.filter(pk=zones_at.pk).update(host_key=HOST_KEY)
    zones_at.refresh_from_db()
    seen_host(zones_at)
    record_sets.set_record_set(actor=alice, zone=zone, owner="old", record_type="A", data=["192.0.2.9"])
    key = tsig_keys.create_key(
        actor=alice, repository=zones_at, zone=zone, used_by="signer", right="update"
    ).row
    secondary, _ = secondaries.add_secondary(
        actor=alice, zone=zone, host="ns7.gandi.example", address="127.0.0.41", transfer="open"
    )
    signing_key = signing_keys.make_signing_key(actor=alice, domain=domain, selector="now").row
    old_signing_key = signing_keys.make_signing_key(actor=alice, domain=domain, selector="old").row
    signing_keys.switch_signing_key(actor=alice, key=old_signing_key, in_use=False)
    fourth = domains.create_domain(actor=alice, organization=domain.organization, name="fourth.example")
    third = domains.create_domain(actor=alice, organization=domain.organization, name="third.example")
    checked = mail_checks.checks_of(domain)
    for line in ("mx", "spf"):
        CheckLine.objects.create(
            check_of=checked,
            line=line,
            position=0,
            level="fail",
            sentence="wrong",
            since=timezone.now(),
            looked_at=timezone.now(),
        )
    mail_checks.mute_check(
        actor=alice, domain=domain, line="spf", reason="known", until=timezone.now() + timedelta(days=5)
    )
    unproved = zones.create_zone(actor=alice, domain=third, repository=zones_at)
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    _, line = new_ssh_key("host")
    Repository.objects.update(offered_host_key=line)
    mailbox = make_mailbox(holder=people["H"].account)
    targets.add_target(actor=alice, mailbox=mailbox, address="later@home.example")
    shared_pair(mailbox)
    trashed = make_mailbox("old", target="old@home.example", holder=people["H"].account)
    mailboxes.trash_mailbox(actor=alice, mailbox=trashed)
    make_mailbox("bob", target="bob@home.example")
    alias = aliases.create_alias(
        actor=alice,
        domain=domain,
        local_part="team",
        delivers_to=["ada"],
        expires_at=timezone.now() + timedelta(days=5),
    )
    held = names.hold_name(actor=alice, domain=domain, local_part="gone")
    shared = make_mailbox("shared", target="sh@home.example", holder=people["H"].account)
    holders.add_holder(actor=alice, mailbox=shared, email="erin@people.example")
    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    request = requests.submit_request(
        actor=Actor(), domain=domain, local_part="grace", target="g@home.example", password_hash=HASH
    ).request
    AddressRequest.objects.update(status="confirmed", confirmed_at=timezone.now())
    invitation = invitations.make_invitation(actor=alice, domain=domain).invitation
    target = repository.sync_target
    run = Run.objects.create(
        target=target, state="stopped", generation=1, title="x", agree_to="ab" * 32, created_at=timezone.now()
    )
    Condition.objects.create(
        target=target,
        type="ReloadPending",
        status=True,
        reason="x",
        message="x",
        since=timezone.now(),
        seen_at=timezone.now(),
    )
    Finding.objects.create(
        target=target,
        unit="mary",
        kind=Finding.Kind.FOREIGN,
        sentence="ptt uses it.",
        outside_id="1" * 40,
        takeable=True,
        since=timezone.now(),
    )
    target.refresh_from_db()
    # As if a pass had just proved everything.
    SyncTarget.objects.filter(pk=target.pk).update(observed_generation=target.generation)
    target.refresh_from_db()
    rock = build_rock(domain.organization, line)
    key_pair = new_key()
    ready = _ready_for_a_stack(alice, domain.organization, zones_at, rock)
    given = (rock.share, rock.network)
    return World(
        ready=ready,
        stack=build_stack(domain, *given, "192.0.2.91", "running"),
        halted=build_stack(second, *given, "192.0.2.92", "cancelled"),
        organization=domain.organization,
        domain=domain,
        mailbox=mailbox,
        trashed=trashed,
        untouched=make_mailbox("untouched", holder=people["H"].account),
        alias=alias,
        held=held,
        shared=shared,
        request=request,
        invitation=invitation,
        membership=Membership.objects.get(account__email="bob@people.example"),
        repository=repository,
        target=target,
        run=run,
        fingerprint=fingerprint(line),
        zone=Zone.objects.get(pk=zone.pk),
        zones_at=zones_at,
        key=TsigKey.objects.get(pk=key.pk),
        secondary=secondary,
        signing_key=signing_key,
        old_signing_key=old_signing_key,
        export=ready_export(domain, key_pair.public),
        export_key=key_pair.private,
        unproved=unproved,
        reader=waiting_reader(repository, rock.unikernel),
        use=waiting_use(zone, rock.unikernel),
        **vars(rock),
        let_go=zone_endings.let_go_zone(actor=alice, zone=begin(alice, fourth, zones_at)),
        updated=update_servers.connect_update_server(
            actor=alice,
            organization=domain.organization,
            name="ns1",
            address="9.9.9.9",
            key=UPDATE_KEY,
        ),
    )


def _ready_for_a_stack(alice: Actor, organization: Organization, zones_at: Repository, rock: Rock) -> Domain:
    """A domain with a relay and a zone, and room for eight unikernels."""
    ready = domains.create_domain(actor=alice, organization=organization, name="ready.example")
    begin(alice, ready, zones_at)
    relay = repositories.connect_repository(actor=alice, domain=ready, host="git.example.org", path="r.git")
    Repository.objects.filter(pk=relay.pk).update(host_key=HOST_KEY)
    hosts.change_quota(actor=Actor.rookery(), share=rock.share, memory=4096, most_unikernels=20)
    Image.objects.filter(pk=rock.image.pk).update(era="p23")
    return ready


def everything() -> dict[str, list[Any]]:
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for model in apps.get_app_config("tenants").get_models()
        if model.__name__ != "Allowance"
    }


def wrongly_reached() -> list[str]:
    """Addresses about which the column for lists and what it follows from differ."""
    reached = set(Mailbox.objects.filter(REACHES_SOMEBODY).values_list("pk", flat=True))
    return [row.local_part for row in Mailbox.objects.all() if row.reached != (row.pk in reached)]


@pytest.mark.parametrize("name", ACTIONS)
def test_who_may_not_changes_nothing(name: str, world: World, people: dict[str, Actor]) -> None:
    allowed, act = ACTIONS[name]
    before = everything()
    for who, actor in people.items():
        if who in allowed:
            continue
        with pytest.raises((Absent, Forbidden)) as refused:
            act(actor, world)
        sees = who in {"V", "M", "O", "P"} or "read-only" in who
        if name not in INSTALLATION and not sees and who != "H":
            assert isinstance(refused.value, Absent), (who, refused.value)
    assert everything() == before


@pytest.mark.parametrize("name", ACTIONS)
def test_who_may_is_not_kept_out(name: str, world: World, people: dict[str, Actor]) -> None:
    """Each in turn, on the same state; one action is one event."""
    allowed, act = ACTIONS[name]
    before = everything()
    untouched = world
    for who in allowed:
        world = reread(untouched)
        with transaction.atomic():
            if name == "send_test_mail":  # nothing is served here: a matter of state, not of rights
                with pytest.raises(Conflict):
                    act(people[who], world)
            else:
                act(people[who], world)
                events = Event.objects.order_by("pk").values_list("verb", flat=True)
                verbs = list(events[len(before["Event"]) :])
                assert verbs == WRITES.get(name, [name])
                assert not wrongly_reached()
            transaction.set_rollback(True)
    assert everything() == before


def test_a_holder_cannot_undo_what_the_owner_decided(world: World, people: dict[str, Actor]) -> None:
    mailbox, holder, owner = world.mailbox, people["H"], people["O"]
    mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=False)
    mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=True)
    mailboxes.switch_mailbox(actor=owner, mailbox=mailbox, enabled=False)
    for _ in range(2):  # switching off what is off gives no right either
        with pytest.raises(Forbidden, match=r"run example\.org\. Ask an owner or manager\."):
            mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=True)
        mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=False)
    mailboxes.switch_mailbox(actor=owner, mailbox=mailbox, enabled=True)
    mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=False)
    # The team says off as well: from now on it is the team's.
    mailboxes.switch_mailbox(actor=owner, mailbox=mailbox, enabled=False)
    with pytest.raises(Forbidden, match="Ask an owner or manager"):
        mailboxes.switch_mailbox(actor=holder, mailbox=mailbox, enabled=True)
    mailbox.refresh_from_db()
    assert (mailbox.enabled, mailbox.off_by_holder) == (False, False)
    access.require(people["H"], access.Verb.CHANGE, world.mailbox)
