"""The sandbox's build server: images to try with, over real TLS on loopback, under a name of its own."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from workers.outward import Fetcher

NAME = "builds.sandbox.example"
_SILENCE_SECONDS = 10.0
Told = Callable[[], dict[str, Any]]
"""What the sandbox says about where it listens; raises OSError and ValueError."""


class BuildServer:
    """Serves the files of one folder by their names until it is stopped."""

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
            name = self.path.partition("?")[0].removeprefix("/")
            known = {path.name: path for path in folder.iterdir() if path.is_file()}
            if name not in known:
                self.send_error(404)
                return
            contents = known[name].read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(contents)))
            self.end_headers()
            self.wfile.write(contents)

        def log_message(self, *_: object) -> None:
            """It has nothing to say."""

    return Handler


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
