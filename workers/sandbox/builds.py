"""The sandbox's build server: images to try with, over real TLS on loopback, under a name of its own."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tenants.formats.builds import JSON_TYPE
from workers.outward import Fetcher

NAME = "builds.sandbox.example"
_SILENCE_SECONDS = 10.0
_RELEASE = re.compile(r"-(\d{1,4})$")
Told = Callable[[], dict[str, Any]]
"""What the sandbox says about where it listens; raises OSError and ValueError."""


class BuildServer:
    """Serves the files of one folder, by their names and as builds of jobs, until it is stopped."""

    def __init__(self, folder: Path, context: ssl.SSLContext, address: str, port: int) -> None:
        """Raises OSError when the address is taken."""
        self._server = ThreadingHTTPServer((address, port), _handler(folder))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.address, self.port = address, int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SILENCE_SECONDS

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].strip("/")
            builds = _builds(folder)
            if path in {build.file.name for build in builds}:
                self._send((folder / path).read_bytes(), "application/octet-stream")
            elif path.startswith("job/"):
                _, name, *rest = path.split("/")
                self._job(name, [build for build in builds if build.job == name], rest)
            else:
                self.send_error(404)

        def _job(self, name: str, builds: list[_Build], rest: list[str]) -> None:
            """As builder-web does; a page for people is not made."""
            if not builds or (rest and rest[0] != "build"):
                self.send_error(404)
            elif not rest:
                self._tell({"builds": [build.listed for build in builds]})
            elif rest[1:2] == ["latest"]:
                self._lead("/".join(["", "job", name, "build", builds[0].uuid, *rest[2:]]))
            else:
                self._build(next((each for each in builds if [each.uuid] == rest[1:2]), None), rest[2:])

        def _build(self, build: _Build | None, rest: list[str]) -> None:
            if build is not None and not rest:
                self._tell(build.told)
            elif build is not None and rest == ["main-binary"]:
                self._lead(f"/job/{build.job}/build/{build.uuid}/f/bin/{build.file.name}")
            elif build is not None and rest == ["f", "bin", build.file.name]:
                self._send(build.file.read_bytes(), "application/octet-stream")
            else:
                self.send_error(404)

        def _tell(self, value: dict[str, Any]) -> None:
            if self.headers.get("Accept") == JSON_TYPE:
                self._send(json.dumps(value).encode(), JSON_TYPE)
            else:
                self._send(b"<h1>Builds of the sandbox</h1>", "text/html; charset=utf-8")

        def _lead(self, path: str) -> None:
            self.send_response(307)
            self.send_header("Location", path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, contents: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(contents)))
            self.end_headers()
            self.wfile.write(contents)

        def log_message(self, *_: object) -> None:
            """It has nothing to say."""

    return Handler


@dataclass(frozen=True)
class _Build:
    """A file as a build of the job that its name says: relay.hvt and relay-2.hvt are builds of `relay`."""

    file: Path
    job: str
    number: int
    time: float

    @property
    def uuid(self) -> str:
        return str(uuid5(NAMESPACE_URL, f"https://{NAME}/{self.file.name}"))

    @property
    def listed(self) -> dict[str, Any]:
        contents = self.file.read_bytes()
        digest = hashlib.sha256(contents).hexdigest()
        return {
            "uuid": self.uuid,
            "main_binary": {"filename": self.file.name, "sha256": digest, "size": len(contents)},
        }

    @property
    def told(self) -> dict[str, Any]:
        time = datetime.fromtimestamp(self.time, UTC).isoformat()
        told = {"job": self.job, "uuid": self.uuid, "platform": "sandbox"}
        return {**told, "start_time": time, "finish_time": time, "main_binary": True}


def _builds(folder: Path) -> list[_Build]:
    """Of all jobs, the newest first."""
    found = []
    for file in folder.iterdir():
        job, number = _RELEASE.sub("", file.stem), _RELEASE.search(file.stem)
        if file.is_file():
            found.append(_Build(file, job, int(number[1]) if number else 1, file.stat().st_mtime))
    return sorted(found, key=lambda build: (int(build.time), build.number), reverse=True)


def fetcher_here(told: Told) -> Fetcher:
    """A fetcher that knows the sandbox's build server alone: nothing leaves the machine."""

    def resolve(host: str, timeout: float) -> list[str]:
        return [str(_place(told)[0])] if host == NAME else []

    def dial(address: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((address, _place(told)[1]), timeout)

    trust = ssl.create_default_context()
    trust.load_verify_locations(told()["ca_file"])
    return Fetcher(resolve, dial, lambda address: ipaddress.ip_address(address).is_loopback, trust=trust)


def _place(told: Told) -> tuple[str, int]:
    """Address and port. Raises OSError when the sandbox says none."""
    try:
        place = told()["builds"]
        return str(place["address"]), int(place["port"])
    except (ValueError, KeyError, TypeError) as error:
        raise OSError("the sandbox has no build server") from error
