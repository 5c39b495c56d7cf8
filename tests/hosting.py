"""Hosts, images and unikernels for tests: alice's machine with a stand-in for albatross on it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from tenants.actions import (
    firewalls,
    host_shares,
    hosts,
    image_feeds,
    image_fetches,
    images,
    networks,
    organizations,
    public_addresses,
    unikernels,
    volumes,
    webhook_deliveries,
    webhooks,
)
from tenants.actor import Actor
from tenants.formats.builds import ListedBuild
from tenants.models import (
    BuildServer,
    Certificate,
    CertificateUse,
    Firewall,
    FirewallRule,
    Host,
    HostPreparation,
    HostShare,
    Image,
    ImageFeed,
    ImageFetch,
    Network,
    Organization,
    PublicAddress,
    Repository,
    RepositoryReader,
    SyncTarget,
    Unikernel,
    Volume,
    Webhook,
    WebhookDelivery,
    Zone,
)
from tests.albatross import solo5_files as files

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
PLAIN = files.image(files.abi(), files.manifest())
NETWORKED = files.relay_image()
WITH_DISK = files.image(files.abi(), files.manifest(files.entry(b"data", files.BLOCK)))
FORWARDED: dict[str, Any] = {
    "kind": "dnat",
    "destination": "192.0.2.1",
    "protocol": "tcp",
    "port": 25,
    "to_address": "10.0.0.9",
}


def add_host(
    actor: Actor, organization: Organization, folder: Path | str = "/run/albatross", **given: Any
) -> Host:
    """A host on a local socket, added by an operator for the organization."""
    given = {"name": "rock", "transport": "local", "socket_folder": str(folder), "path": "acme"} | given
    return hosts.add_host(actor=actor, organization=organization, **given)


def share_of(host: Host, organization: Organization) -> HostShare:
    return HostShare.objects.select_related("host", "organization", "sync_target").get(
        host=host, organization=organization
    )


def upload(actor: Actor, organization: Organization, contents: bytes = PLAIN, **given: Any) -> Image:
    given = {"name": "hello"} | given
    return images.upload_image(actor=actor, organization=organization, contents=[contents], **given)


@dataclass
class Machine:
    """A host with its part for one organization, and who acts there."""

    actor: Actor
    host: Host
    share: HostShare

    @property
    def target(self) -> SyncTarget:
        return SyncTarget.objects.get(host_share=self.share)

    def network(self, bridge: str = "service", subnet: str = "10.0.0.0/24", **given: Any) -> Network:
        return networks.add_network(actor=self.actor, share=self.share, bridge=bridge, subnet=subnet, **given)

    def unikernel(self, name: str = "web", image: Image | None = None, **given: Any) -> Unikernel:
        image = image or upload(self.actor, self.share.organization)
        return unikernels.create_unikernel(
            actor=self.actor, share=self.share, name=name, image=image, **given
        )


@dataclass
class Rock:
    """A host of an organization that waits for its key to be compared, with something of everything; its
    `bare` network, image and host are used by nobody."""

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
    fetch: ImageFetch
    feed: ImageFeed
    volume: Volume
    build_server: BuildServer
    firewall: Firewall
    firewall_rule: FirewallRule
    public: PublicAddress
    webhook: Webhook
    delivery: WebhookDelivery

    @property
    def names(self) -> dict[str, Any]:
        """What stands for these things in addresses and bodies."""
        return {
            "share": self.share.pk,
            "bare_host": self.bare_host.pk,
            "bare_host_name": self.bare_host.host.name,
            "image": self.image.pk,
            "bare_image": self.bare_image.pk,
            "network": self.network.pk,
            "bare_network": self.bare_network.pk,
            "unikernel": self.unikernel.pk,
            "stopped": self.stopped.pk,
            "guest_share": self.guest_share.pk,
            "spare": self.spare.pk,
            "volume": self.volume.pk,
            "fetch": self.fetch.pk,
            "feed": self.feed.pk,
            "feed_digest": self.feed.sha256,
            "build_server": self.build_server.pk,
            "build_server_name": self.build_server.name,
            "rule": self.firewall_rule.pk,
            "public": self.public.pk,
            "webhook": self.webhook.pk,
            "delivery": self.delivery.pk,
            "contents": base64.b64encode(files.image(files.abi(version=1), files.manifest())).decode(),
        }


def waiting_reader(repository: Repository, unikernel: Unikernel) -> RepositoryReader:
    """A unikernel that reads `repository`, and has something to read."""
    now = timezone.now()
    return RepositoryReader.objects.create(
        repository=repository,
        unikernel=unikernel,
        role="submission",
        wanted_commit="3f2a91c" + "0" * 33,
        changed_at=now,
        waiting_since=now,
        due_at=now + timedelta(minutes=5),
    )


def waiting_use(zone: Zone, unikernel: Unikernel) -> CertificateUse:
    """A unikernel whose certificate was renewed."""
    now, host, mark = timezone.now(), f"mail.{zone.name}", "ab" * 32
    Certificate.objects.create(
        zone=zone, host=host, standing="valid", since=now, looked_at=now, sentence="Valid.", fingerprint=mark
    )
    return CertificateUse.objects.create(
        unikernel=unikernel, zone=zone, host=host, wanted=mark, taken="cd" * 32, changed_at=now
    )


def planned(host: Host, host_key: str) -> HostPreparation:
    """Its key was compared, and a worker saw one thing that it lacks."""
    Host.objects.filter(pk=host.pk).update(host_key=host_key)
    host.refresh_from_db()
    step = {"key": "forwarding", "title": "The host passes packets on", "why": "Unikernels need it."}
    step |= {"command": "sysctl -w net.ipv4.ip_forward=1", "check": "sysctl -n net.ipv4.ip_forward"}
    return HostPreparation.objects.create(
        host=host,
        state=HostPreparation.State.TODO,
        sentence="Read what is to be done; nothing was changed yet.",
        steps=[{**step, "expected": "1", "state": "", "said": ""}],
        right=["The tender of Solo5 answers."],
        problems=["There is no /dev/kvm."],
        plan="c" * 64,
        script="#!/bin/sh\n",
        asked_at=timezone.now(),
        looked_at=timezone.now(),
    )


def build_rock(organization: Organization, host_key: str) -> Rock:
    """Made by Rookery itself, so that no member stands behind it."""
    rookery = Actor.rookery()
    host = add_host(
        rookery, organization, transport="ssh", host=f"rock{organization.pk}.example", username="rookery"
    )
    Host.objects.filter(pk=host.pk).update(offered_host_key=host_key)
    host.refresh_from_db()
    host_shares.change_quota(actor=rookery, share=share_of(host, organization), storage=64)
    machine = Machine(rookery, host, share_of(host, organization))
    network, bare_network = machine.network(), machine.network("spare", "10.0.1.0/24")
    image = upload(rookery, organization, NETWORKED, name="relay")
    volume = volumes.add_volume(actor=rookery, share=machine.share, label="mail", size=8)
    chosen: dict[str, Any] = {"image": image, "networks": {"service": network}}
    chosen["secrets"] = {"seed": "hunter2"}
    unikernel = machine.unikernel("relay", **chosen, arguments=["--seed={secret:seed}"])
    stopped = machine.unikernel("old", **chosen, running=False)
    reached = {"transport": "ssh", "host": "bare.example", "username": "rookery"}
    bare = add_host(rookery, organization, name="bare", **reached)
    planned(bare, host_key)
    firewall = firewalls.manage_firewall(actor=rookery, host=host)
    rule = firewalls.add_firewall_rule(actor=rookery, firewall=firewall, **FORWARDED)
    found = "It runs there, and Rookery did not start it."
    machine.target.findings.create(
        unit="found",
        kind="foreign",
        sentence=found,
        takeable=True,
        since=timezone.now(),
        outside="memory 32 MB",
    )
    delivery = _failed_delivery(organization)
    return Rock(
        firewall=firewall,
        firewall_rule=rule,
        public=public_addresses.add_public_address(actor=rookery, share=machine.share, address="192.0.2.90"),
        host=host,
        share=machine.share,
        bare_host=share_of(bare, organization),
        image=image,
        bare_image=upload(rookery, organization, PLAIN, name="spare"),
        network=network,
        bare_network=bare_network,
        unikernel=unikernel,
        stopped=stopped,
        guest_share=host_shares.share_host(
            actor=rookery, host=host, organization=_another(organization, "Guests")
        ),
        spare=_another(organization, "Spare"),
        build_server=_build_server(),
        volume=volume,
        fetch=_failed_fetch(organization),
        feed=_feed(organization),
        webhook=delivery.webhook,
        delivery=delivery,
    )


def _build_server() -> BuildServer:
    row, _ = BuildServer.objects.get_or_create(name="builds.example.org")
    return row


def _failed_fetch(organization: Organization) -> ImageFetch:
    rookery = Actor.rookery()
    url = f"https://{_build_server()}/relay.hvt"
    row = image_fetches.fetch_image(actor=rookery, organization=organization, url=url)
    image_fetches.fail_fetch(actor=rookery, fetch=row, problem="The server answered 404.", fix="Look there.")
    return row


def _feed(organization: Organization) -> ImageFeed:
    """It proposes a build."""
    rookery, now = Actor.rookery(), timezone.now()
    url = f"https://{_build_server()}/job/relay"
    row = image_feeds.add_feed(actor=rookery, organization=organization, url=url, role="relay")
    listed = ListedBuild("6b0f5f0e-7f4b-4b7c-9d54-0a4f0d7f0a11", "relay.hvt", "ab" * 32, 5_000_000)
    found = image_feeds.FoundBuild(listed, now - timedelta(days=1))
    image_feeds.record_build(actor=rookery, feed=row, found=found, at=now)
    return row


def _failed_delivery(organization: Organization) -> WebhookDelivery:
    """A test of a webhook that is told of little."""
    rookery = Actor.rookery()
    url = "https://hooks.example.org/rookery"
    hook, _ = webhooks.add_webhook(
        actor=rookery, organization=organization, url=url, name="Chat", types=["webhook.added"]
    )
    row = webhook_deliveries.send_webhook_test(actor=rookery, webhook=hook)
    WebhookDelivery.objects.filter(pk=row.pk).update(
        state=WebhookDelivery.State.FAILED, tries=1, type="webhook.added", problem="Its server answered 500."
    )
    row.refresh_from_db()
    return row


def _another(organization: Organization, word: str) -> Organization:
    """An organization without members."""
    return organizations.create_organization(actor=Actor.rookery(), name=f"{word} of {organization}")
