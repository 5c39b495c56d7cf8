"""The sandbox's albatross host: a stand-in that is reached in all three ways, and images to try with."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from workers.albatross.certificates import Authority, make_root, read_authority, server_certificate
from workers.albatross.errors import AlbatrossError
from workers.albatross.releases import Release
from workers.sandbox.albatross.daemon import Machine
from workers.sandbox.albatross.host import AlbatrossHost
from workers.sandbox.albatross.programs import Lives, never
from workers.sandbox.albatross.samples import write_samples
from workers.sandbox.albatross.state_file import State, read_state, write_state
from workers.sandbox.certificates import write_private

log = logging.getLogger(__name__)

RELEASE = Release(2, 7, 2)
BRIDGES = ("service", "internal")
MEMORY = 8192
"""Of the host, in MB: a stack needs two thousand, and twice that in an upgrade."""
_YEARS = timedelta(days=3650)


class DemoHost:
    """Start it in a folder; `told` says how to reach it."""

    def __init__(self, folder: Path, lives: Lives = never, images: Mapping[str, bytes] | None = None) -> None:
        """`lives` are those that are more than scripts, `images` further images to try with, by file name."""
        self.folder = folder
        machine = Machine(bridges=list(BRIDGES), memory=MEMORY)
        self._host = AlbatrossHost(folder, RELEASE, machine=machine, lives=lives)
        self._images = images or {}
        self._port = 0
        self._address = ""

    def start(self, address: str, port: int) -> None:
        """Listen on its sockets and, for TLS, on this address. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._host.start(self._kept())
        now = datetime.now(UTC)
        self.root = self._read_or_make_root(now)
        server = server_certificate(self.root, "albatross of the sandbox", now=now, valid_for=_YEARS)
        self._address = address
        self._port = self._host.serve_tls(self.root, server, address, port)
        self.images = write_samples(self.folder / "images", self._images)

    def stop(self) -> None:
        state = self._host.stop()
        if state is not None:
            write_state(self._path("state"), state)

    def _kept(self) -> State:
        try:
            return read_state(self._path("state"))
        except AlbatrossError as error:
            log.warning("the sandbox's albatross begins anew, since what it kept cannot be read: %s", error)
            return State()

    def told(self, ssh: dict[str, Any], host_key: str) -> dict[str, Any]:
        """For the panel, as JSON. It holds the key of a CA that signs for this toy and nothing else."""
        ca = self._path("ca.pem").read_text()
        tls = {
            "name": "sandbox-tls",
            "host": self._address,
            "port": self._port,
            "server_ca": ca,
            "authority": ca,
            "authority_key": self._path("ca.key").read_text(),
        }
        folder = str(self.folder)
        return {
            "release": str(RELEASE),
            "bridges": list(BRIDGES),
            "host_key": host_key,
            "images": [str(path) for path in self.images],
            "ways": {
                "ssh": {"name": "sandbox", **ssh, "socket_folder": folder},
                "tls": tls,
                "local": {"name": "sandbox-local", "socket_folder": folder},
            },
        }

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _read_or_make_root(self, now: datetime) -> Authority:
        """The same CA after a restart: hosts that were connected go on."""
        certificate, key = self._path("ca.pem"), self._path("ca.key")
        if certificate.exists() and key.exists():
            return read_authority(certificate.read_bytes(), key.read_bytes())
        root = make_root("albatross of the sandbox", now=now, valid_for=_YEARS)
        private = root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        certificate.write_bytes(root.certificate.public_bytes(Encoding.PEM))
        write_private(key, private)
        return root
