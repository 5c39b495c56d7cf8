"""`manage.py up`: the whole product on one machine: broker → migrate → sandbox → worker → beat → web.

Everything runs as children of this process and ends with it. Only workers are given the workers' key.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from panel.management import ports
from panel.management.broker import start_broker

STOP_SECONDS = 10.0


class Command(BaseCommand):
    help = "Run everything on this machine: broker, database, workers, web, and (by default) the sandbox."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-sandbox", action="store_true", help="Without the sandbox's git host and mail servers."
        )
        parser.add_argument("--email", default="admin@rookery.example", help="The first administrator.")

    def handle(self, *args: Any, **options: Any) -> None:
        family = _Family(self)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, family.ask_to_stop)
        try:
            self._start(family, sandbox=not options["no_sandbox"], email=options["email"])
            family.watch()
        finally:
            family.stop()

    def _start(self, family: _Family, *, sandbox: bool, email: str) -> None:
        ports.require_free("127.0.0.1", settings.PORT)
        broker = start_broker(settings.DATA_DIR)
        family.on_stop(broker.stop)
        self.stdout.write(f"broker   {broker.description}")
        call_command("migrate", verbosity=0, interactive=False)
        self.stdout.write(f"database {settings.DATABASES['default']['NAME']}")

        common = {**os.environ, "REDIS_URL": broker.url, "ROOKERY_DATA": str(settings.DATA_DIR)}
        common |= {"ROOKERY_PORT": str(settings.PORT), "ROOKERY_URL": settings.BASE_URL}
        common.pop("ROOKERY_WORKERS_KEY", None)
        if sandbox:
            common["ROOKERY_SANDBOX"] = "1"
            addresses = settings.SANDBOX_CONTROL.parent / "addresses.json"
            addresses.unlink(missing_ok=True)
            family.start("sandbox", [_python(), "manage.py", "sandbox"], common)
            family.wait_for(addresses, "the sandbox")
            common |= ports.sandbox_mail(addresses)
            self._run(common, "manage.py", "seed_sandbox", "--email", email)
        workers = {**common, "ROOKERY_WORKERS_KEY_FILE": str(settings.DATA_DIR / "keys" / "workers.key")}
        # Started by root for a trial, the worker would warn of it in every start.
        celery = [_python(), "-W", "ignore:You're running", "-m", "celery", "--quiet", "-A", "workers.celery"]
        worker = [*celery, "worker", "--concurrency=2", "--loglevel=WARNING", "--without-gossip"]
        family.start("worker", [*worker, "--without-mingle", "--queues=relay_repository,checks,mail,sweep"], workers)
        family.start("beat", [*celery, "beat", "--loglevel=WARNING"], common)
        web = [_python(), "-m", "uvicorn", "panel.asgi:application", "--host", "127.0.0.1"]
        web += ["--port", str(settings.PORT), "--log-level", "warning", "--no-server-header"]
        family.start("web", [*web, "--timeout-graceful-shutdown", "3"], common)
        ports.wait_until_open("127.0.0.1", settings.PORT, family.require_all_alive)
        self.stdout.write(f"\nRookery runs at {settings.BASE_URL}")
        self._run(common, "manage.py", "operator", email, "--name", "Administrator")
        self.stdout.write("\nCtrl-C stops everything. The data stays in " + str(settings.DATA_DIR))
        self.stdout.flush()

    def _run(self, environment: dict[str, str], *words: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own program
            [_python(), *words], env=environment, cwd=settings.BASE_DIR, check=False
        )
        if done.returncode:
            raise CommandError(f"{' '.join(words[:2])} ended with {done.returncode}; see above.")


def _python() -> str:
    return sys.executable


class _Family:
    """Child processes in the order of their start; all end with us, in reverse."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._last: list[Any] = []
        self._stopping = False

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping = True
        raise KeyboardInterrupt

    def on_stop(self, action: Any) -> None:
        self._last.append(action)

    def start(self, name: str, words: Sequence[str], environment: dict[str, str]) -> None:
        # A session of its own: Ctrl-C reaches us only, and we stop the children in order.
        child = subprocess.Popen(  # noqa: S603 - our own programs
            words, env=environment, cwd=settings.BASE_DIR, start_new_session=True
        )
        self._children.append((name, child))
        self._command.stdout.write(f"{name:8} process {child.pid}")

    def require_all_alive(self) -> None:
        for name, child in self._children:
            if child.poll() is not None:
                raise CommandError(f"{name} ended with {child.returncode}; its last words are above.")

    def wait_for(self, path: Path, what: str, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not path.exists():
            self.require_all_alive()
            if time.monotonic() > end:
                raise CommandError(f"{what} did not start within {seconds:.0f} s.")
            time.sleep(0.05)

    def watch(self) -> None:
        """Until a child ends or somebody stops us."""
        try:
            while True:
                self.require_all_alive()
                time.sleep(0.5)
        except KeyboardInterrupt:
            self._command.stdout.write("\nStopping …")

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for _, child in reversed(self._children):
            _signal_group(child, signal.SIGTERM)
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _signal_group(child, signal.SIGKILL)
                child.wait()
            # What a child left behind in its session goes with it.
            _signal_group(child, signal.SIGKILL)
        for action in reversed(self._last):
            action()


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        return
