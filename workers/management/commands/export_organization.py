"""`manage.py export_organization "Analytical Society" society.json`, with --secrets sealed to a key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.actions.organization_files import export_organization
from tenants.actor import Actor, Via
from tenants.errors import ActionError
from tenants.formats.organization_file import written, written_sealed
from tenants.formats.text import FormatError
from tenants.formats.way_out.archive import new_key
from tenants.models import Organization
from tenants.secrets import CannotOpen, Opener


class Command(BaseCommand):
    help = "Write a whole organization into one file, for import_organization of this or another Rookery."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="its name")
        parser.add_argument("file", help="a new file, readable by you alone")
        parser.add_argument(
            "--secrets",
            action="store_true",
            help="with its secrets; sealed to a key that is shown once. Needs the workers' key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(name__iexact=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        actor = Actor.rookery(Via.COMMAND, "an operator at the command line")
        key = new_key() if options["secrets"] else None
        path = Path(options["file"])
        try:
            opener = Opener() if key is not None else None
            file = export_organization(actor=actor, organization=organization, opener=opener)
            content = written_sealed(file, key.public) if key is not None else written(file)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(content)
        except FormatError as error:
            raise CommandError(f"{error.problem} {error.fix}") from error
        except (ActionError, CannotOpen, OSError) as error:
            raise CommandError(str(error)) from error
        count = sum(len(domain.addresses) for domain in file.domains)
        self.stdout.write(f"{len(file.domains):,} domains with {count:,} addresses are in {path}.")
        for sentence in file.left_out:
            self.stdout.write(f"Not in it: {sentence}")
        if key is not None:
            self.stdout.write(f"Its key, which nobody can show again: {key.private}")
