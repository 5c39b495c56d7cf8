"""An organization's part of a host with a stand-in for albatross, and the controller that keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenants.models import SyncTarget
from tenants.secrets import Opener
from tests.hosting import Machine
from workers import ssh
from workers.albatross import Client, LocalDialer, Name, Release, dialect_of
from workers.albatross.values import UnikernelInfo
from workers.controller import Controller, Ending
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.targets.albatross_host import AlbatrossHost

PATH = Name(("acme",))


@dataclass
class HostWorld(Machine):
    stand_in: StandIn
    release: Release
    controller: Controller
    pool: ssh.ConnectionPool
    folder: Path

    @classmethod
    def make(
        cls, machine: Machine, stand_in: StandIn, release: Release, folder: Path, watched: float = 0.15
    ) -> HostWorld:
        """`folder` has the stand-in's sockets; a start is `watched` for so many seconds."""
        pool = ssh.ConnectionPool()
        kind = AlbatrossHost(opener=Opener(), pool=pool, watch_seconds=watched)
        controller = Controller(kinds={SyncTarget.Kind.ALBATROSS_HOST: kind})
        return cls(machine.actor, machine.host, machine.share, stand_in, release, controller, pool, folder)

    def reconcile(self) -> Ending:
        return self.controller.reconcile(self.target.pk)

    @property
    def client(self) -> Client:
        """Somebody on the host itself, with albatross-client."""
        return Client(LocalDialer(self.folder), dialect_of(self.release))

    def running(self) -> dict[str, UnikernelInfo]:
        """What runs on the host, by full name."""
        return {str(one.name): one for one in self.client.unikernels()}

    def condition(self, kind: str) -> Any:
        return self.target.conditions.get(type=kind)

    def advice(self) -> str:
        return self.target.runs.latest("pk").advice


def own_images(settings: Any, folder: Path) -> None:
    """Images of a test are in its own folder."""
    images = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": folder / "images"},
    }
    settings.STORAGES = {**settings.STORAGES, "images": images}
