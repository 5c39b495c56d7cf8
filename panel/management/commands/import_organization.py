"""`manage.py import_organization "Analytical Society" society.json`: look first, then with --apply do it."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.actions.moving_in import UNCHANGED
from tenants.actions.organization_files import import_organization
from tenants.actor import Actor, Via
from tenants.errors import ActionError
from tenants.formats.organization_file import is_sealed
from tenants.formats.tables import MAX_BYTES
from tenants.models import Organization


class Command(BaseCommand):
    help = "Make what export_organization wrote; without --apply only says what it would do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="its name; it may be empty or hold domains already")
        parser.add_argument("file")
        parser.add_argument("--apply", action="store_true", help="do it")
        parser.add_argument(
            "--leave-out-refused", action="store_true", help="do the rest when something is refused"
        )
        parser.add_argument(
            "--vouched", action="store_true", help="those who get the mail agreed already: ask nobody"
        )

        parser.add_argument(
            "--people", action="store_true", help="let its people in with their roles; each gets a mail"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(name__iexact=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}. Make it first.")
        try:
            with Path(options["file"]).open("rb") as file:
                content = file.read(2 * MAX_BYTES)
            done = import_organization(
                actor=Actor.rookery(Via.COMMAND, "an operator at the command line"),
                organization=organization,
                content=content,
                key=_asked_key() if is_sealed(content) else "",
                vouched=options["vouched"],
                people=options["people"],
                leave_out_refused=options["leave_out_refused"],
                rehearse=not options["apply"],
            )
        except (ActionError, OSError) as error:
            raise CommandError(str(error)) from error
        for line in done.lines:
            if line.verdict != UNCHANGED:
                self.stdout.write(f"{line.verdict}: {line.thing}{f': {line.why}' if line.why else ''}")
        counts = ", ".join(f"{count:,} {verdict}" for verdict, count in done.counts.items())
        self.stdout.write(f"{'Done' if options['apply'] else 'It would be'}: {counts or 'nothing'}.")
        if not options["apply"]:
            self.stdout.write("Nothing was changed. Add --apply to do it.")


def _asked_key() -> str:
    """Never an argument: those stand in the list of processes."""
    return getpass.getpass("Its key: ") if sys.stdin.isatty() else sys.stdin.readline(200)
