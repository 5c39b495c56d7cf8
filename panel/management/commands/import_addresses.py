"""`manage.py import_addresses example.org people.csv`: look first, then with --apply do exactly that."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.actions.imports import Imported, import_addresses
from tenants.actor import Actor, Via
from tenants.errors import ActionError
from tenants.formats.tables import MAX_BYTES
from tenants.models import Domain, ImportRow

Verdict = ImportRow.Verdict


class Command(BaseCommand):
    help = (
        "Import addresses of a domain from a CSV or JSON table; without --apply only says what it would do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("domain")
        parser.add_argument("file", help="a path, or - for standard input")
        parser.add_argument("--apply", action="store_true", help="do it")
        parser.add_argument(
            "--leave-out-refused", action="store_true", help="do the other rows when some are refused"
        )
        parser.add_argument(
            "--vouched", action="store_true", help="those who get the mail agreed already: ask nobody"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        domain = Domain.objects.select_related("organization").filter(name=options["domain"].lower()).first()
        if domain is None:
            raise CommandError(f"There is no domain {options['domain']}.")
        try:
            done = import_addresses(
                actor=Actor.rookery(Via.COMMAND, "an operator at the command line"),
                domain=domain,
                content=_read(options["file"]),
                vouched=options["vouched"],
                leave_out_refused=options["leave_out_refused"],
                rehearse=not options["apply"],
            )
        except (ActionError, OSError) as error:
            raise CommandError(str(error)) from error
        self._tell(done, applied=options["apply"])

    def _tell(self, done: Imported, *, applied: bool) -> None:
        for row, outcome in done.with_verdict(Verdict.REFUSED):
            for problem in outcome.problems:
                self.stderr.write(f"{done.unit} {row.place}: {row.shown}: {problem}")
        counts = ", ".join(f"{count:,} {verdict}" for verdict, count in done.preview.counts.items())
        self.stdout.write(f"{'Done' if applied else 'It would be'}: {counts}.")
        if done.preview.obstacle:
            self.stderr.write(done.preview.obstacle)
        if not applied:
            self.stdout.write("Nothing was changed. Add --apply to do it.")


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_BYTES + 1)
