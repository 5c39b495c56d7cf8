"""Small helpers of `manage.py up` about addresses and ports."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

from django.core.management.base import CommandError


def sandbox_settings(addresses_file: Path) -> dict[str, str]:
    """Settings that lead the panel's mail and its questions about names into the sandbox."""
    told = json.loads(addresses_file.read_text())
    host, port = told["mailroom"]
    names, names_port = told["resolver"]
    return {
        "ROOKERY_SMTP_HOST": str(host),
        "ROOKERY_SMTP_PORT": str(port),
        "ROOKERY_RESOLVER": f"{names}:{names_port}",
        "ROOKERY_BLOCK_LISTS": "block-list.example",
    }


def require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} of {host} is taken. Stop what uses it, or choose another one:"
                f" ROOKERY_PORT={port + 1 if port < 65535 else 8080}"
            ) from error


def wait_until_open(host: str, port: int, still_alive: Callable[[], None], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        still_alive()
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise CommandError(f"The web server did not open port {port} within {seconds:.0f} s.")
