"""Hosts, images and unikernels for tests: alice's machine with a stand-in for albatross on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenants.actions import hosts, images, unikernels
from tenants.actor import Actor
from tenants.models import Host, HostShare, Image, Network, Organization, SyncTarget, Unikernel
from tests.albatross import solo5_files as files

PLAIN = files.image(files.abi(), files.manifest())
NETWORKED = files.relay_image()
WITH_DISK = files.image(files.abi(), files.manifest(files.entry(b"data", files.BLOCK)))


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
        return hosts.add_network(actor=self.actor, share=self.share, bridge=bridge, subnet=subnet, **given)

    def unikernel(self, name: str = "web", image: Image | None = None, **given: Any) -> Unikernel:
        image = image or upload(self.actor, self.share.organization)
        return unikernels.create_unikernel(
            actor=self.actor, share=self.share, name=name, image=image, **given
        )
