"""The whole product as `bin/demo` runs it, sandbox included, in a data folder and on a port of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0
STOP_SECONDS = 30.0
_LINK = re.compile(r"^(http://[^\s/]+)(/sign-in/[A-Za-z0-9_-]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Product:
    """Where it runs. `first_link` is the path of the one-time link that it printed."""

    url: str
    first_link: str
    data: Path
    log: Path

    @property
    def repositories(self) -> Path:
        """The folder of the sandbox's git host."""
        return self.data / "sandbox" / "repositories"

    def forget_who_came(self) -> None:
        """As if an hour had passed: all people of all tests come from one network, which is limited."""
        with closing(sqlite3.connect(self.data / "rookery.sqlite3", timeout=10)) as database, database:
            database.execute("DELETE FROM tenants_allowance")


@contextmanager
def running_product(folder: Path) -> Iterator[Product]:
    """Start `manage.py up`, wait until it printed its link, and stop it as Ctrl-C does.

    Several of them run side by side: each sandbox takes loopback addresses that nobody uses yet.
    """
    log = folder / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "django", "up"],
            cwd=PROJECT,
            env=_environment(folder / "data"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url, path = _wait_for_link(process, log)
        yield Product(url=url, first_link=path, data=folder / "data", log=log)
    finally:
        _stop(process)


def run_inside(product: Product, code: str) -> str:
    """Run Python with the product's settings and database, for what takes days in life; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "django", "shell", "--verbosity=0", "-c", code],
        cwd=PROJECT,
        env=_environment(product.data),
        check=True,
        timeout=60,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def _environment(data: Path) -> dict[str, str]:
    """What a person's shell has; nothing that the test process was configured with."""
    ours = ("ROOKERY_", "DJANGO_", "DATABASE_URL", "REDIS_URL", "PYTEST_", "PYTHONWARNINGS", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "ROOKERY_DATA": str(data),
        "ROOKERY_PORT": str(_free_port()),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "panel.settings",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_link(process: subprocess.Popen[bytes], log: Path) -> tuple[str, str]:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        found = _LINK.search(log.read_text())
        if found:
            return found[1], found[2]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"manage.py up printed no link; its words were:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("manage.py up did not stop after Ctrl-C.") from None
