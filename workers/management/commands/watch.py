"""`manage.py watch`: follows consoles and measurements of every host, for all who look at them.

Any number may run: each host is watched by one of them.
"""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.database_age import DatabaseIsNewer, require_known_database
from workers import ssh
from workers.assembly import opener
from workers.watch.crew import Crew


class Command(BaseCommand):
    help = "Follow consoles and measurements of unikernels and keep them for the panel."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            require_known_database()
        except DatabaseIsNewer as error:
            raise CommandError(str(error)) from error
        crew = Crew(opener(), ssh.SharingPool())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: crew.stop.set())
        crew.run()
