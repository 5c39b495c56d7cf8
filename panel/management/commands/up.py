"""`manage.py up`: the whole product on one machine: broker → migrate → sandbox → workers → beat → web.

Everything runs as children of this process and ends with it. Only workers are given the workers' key.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from panel.management import ports
from panel.management.broker import start_broker
from panel.management.family import Family
from panel.management.folder import hold
from tenants.database_age import DatabaseIsNewer, require_known_database

# Started by root for a trial, a worker would warn of it in every start.
_CELERY = [sys.executable, "-W", "ignore:You're running", "-m", "celery", "--quiet", "-A", "workers.celery"]
_WORKER = ["--loglevel=WARNING", "--without-gossip", "--without-mingle"]
# Git hosts may hang, so nobody else stands in their queue: mails and the sweep have processes of their own.
WORKERS = {
    "worker": ["--concurrency=3", "--queues=relay_repository,zone_repository,dynamic_update,checks"],
    # Two of these that hang must not delay a password change.
    "keeper": ["--concurrency=2", "--queues=albatross_host,firewall"],
    "courier": ["--concurrency=2", "--queues=mail,sweep,reviews"],
    # Name servers may be silent for long, build servers and receivers of webhooks slow, and new unikernels
    # not there yet.
    "scout": ["--concurrency=4", "--queues=lookups,images,stack,webhooks"],
    # One look at a domain may last a minute.
    "checker": ["--concurrency=2", "--queues=mail_checks"],
}


class Command(BaseCommand):
    help = "Run everything on this machine: broker, database, workers, web, and (by default) the sandbox."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-sandbox", action="store_true", help="Without the sandbox's git host and mail servers."
        )
        parser.add_argument("--email", default="admin@rookery.example", help="The first administrator.")

    def handle(self, *args: Any, **options: Any) -> None:
        family = Family(self._say)
        family.listen()
        try:
            with hold(settings.DATA_DIR):
                try:
                    self._start(family, sandbox=not options["no_sandbox"], email=options["email"])
                    family.watch()
                finally:
                    family.stop()
        except KeyboardInterrupt:
            self._say("\nStopped.")

    def _say(self, line: str) -> None:
        # Children write to the same place: what was said first must stand there first.
        self.stdout.write(line)
        self.stdout.flush()

    def _start(self, family: Family, *, sandbox: bool, email: str) -> None:
        ports.require_free("127.0.0.1", settings.PORT)
        broker = start_broker(settings.DATA_DIR, family)
        self._say(f"broker   {broker.description}")
        try:
            require_known_database()
        except DatabaseIsNewer as error:
            raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0, interactive=False)
        self._say(f"database {settings.DATABASES['default']['NAME']}")

        said = {"REDIS_URL": broker.url, "ROOKERY_DATA": str(settings.DATA_DIR)}
        said |= {"ROOKERY_PORT": str(settings.PORT), "ROOKERY_URL": settings.BASE_URL}
        files = {f"{name}_FILE" for name in said}
        common = {name: each for name, each in os.environ.items() if name not in files} | said
        given = {
            name: common.pop(name)
            for name in ("ROOKERY_WORKERS_KEY", "ROOKERY_WORKERS_KEY_FILE")
            if name in common
        }
        if sandbox:
            common["ROOKERY_SANDBOX"] = "1"
            common.setdefault("ROOKERY_SWEEP_SECONDS", "1")  # somebody looks on
            addresses = settings.SANDBOX_CONTROL.parent / "addresses.json"
            addresses.unlink(missing_ok=True)
            family.start("sandbox", [sys.executable, "manage.py", "sandbox"], common)
            family.wait_for(addresses, "the sandbox")
            common |= ports.sandbox_settings(addresses)
        ours = {"ROOKERY_WORKERS_KEY_FILE": str(settings.DATA_DIR / "keys" / "workers.key")}
        workers = common | (given or ours)
        for name, words in WORKERS.items():
            family.start(name, [*_CELERY, "worker", *_WORKER, f"--hostname={name}@%h", *words], workers)
        family.start("beat", [*_CELERY, "beat", "--loglevel=WARNING"], common)
        web = [sys.executable, "-m", "uvicorn", "panel.asgi:application", "--host", "127.0.0.1"]
        web += ["--port", str(settings.PORT), "--log-level", "warning", "--no-server-header"]
        # Whose word counts about a client's address is ROOKERY_TRUSTED_PROXIES alone.
        web += ["--no-proxy-headers"]
        family.start("web", [*web, "--timeout-graceful-shutdown", "3"], common)
        if sandbox:
            family.run([sys.executable, "manage.py", "seed_sandbox", "--email", email], common)
        ports.wait_until_open("127.0.0.1", settings.PORT, family.require_all_alive)
        self._say(f"\nRookery runs at {settings.BASE_URL}")
        call_command("operator", email, name="Administrator", stdout=self.stdout)
        # Streams never end, so they have a process of their own; nobody waits for it.
        family.start("watch", [sys.executable, "manage.py", "watch"], workers)
        self._say(f"\nCtrl-C stops everything. The data stays in {settings.DATA_DIR}")
