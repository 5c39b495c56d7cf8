"""A real build server on loopback, and an organization that may fetch from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import image_fetches
from tenants.actor import Actor
from tenants.models import ImageFetch, Organization
from tests.contract.host_world import own_images
from tests.hosting import NETWORKED
from workers.errands.image_courier import ImageCourier
from workers.outward import Fetcher
from workers.sandbox.builds import NAME, fetcher_here
from workers.sandbox.builds import BuildServer as Server
from workers.sandbox.certificates import Authority


@dataclass
class Builds:
    folder: Path
    fetcher: Fetcher
    organization: Organization
    actor: Actor

    def ask(self, file: str = "relay.hvt", **given: Any) -> ImageFetch:
        return image_fetches.fetch_image(
            actor=self.actor, organization=self.organization, url=f"https://{NAME}/{file}", **given
        )

    def fetch(self, row: ImageFetch) -> ImageFetch:
        ImageCourier(self.fetcher).fetch(row.pk)
        row.refresh_from_db()
        return row


@pytest.fixture
def builds(settings: Any, tmp_path: Path, alice: Actor, organization: Organization) -> Iterator[Builds]:
    own_images(settings, tmp_path)
    folder = tmp_path / "builds"
    folder.mkdir()
    (folder / "relay.hvt").write_bytes(NETWORKED)
    authority = Authority(tmp_path / "tls")
    server = Server(folder, authority.server_context([NAME], "127.0.0.1"), "127.0.0.1", 0)
    place = {"address": server.address, "port": server.port}
    fetcher = fetcher_here(lambda: {"builds": place, "ca_file": str(authority.ca_file)})
    image_fetches.add_build_server(actor=Actor.rookery(), name=NAME)
    yield Builds(folder, fetcher, organization, alice)
    server.stop()
