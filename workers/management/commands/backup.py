"""`manage.py backup`: one sealed file with everything that this panel knows. Run it where workers run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants import keys
from workers.backup.making import make_backup
from workers.backup.schedule import seal_of_settings
from workers.backup.seals import Refused


class Command(BaseCommand):
    help = "Write a backup of database, images and keys, sealed to ROOKERY_BACKUP_KEY or by a passphrase."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, help="The folder; without it, ROOKERY_BACKUPS.")
        parser.add_argument("--keep", type=int, help="How many stay there; else ROOKERY_BACKUPS_KEPT.")
        parser.add_argument(
            "--new-key",
            type=Path,
            metavar="FILE",
            help="Make a key for backups instead, and say its other half.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_key"]:
            self._make_key(options["new_key"])
            return
        folder = options["to"] or settings.BACKUPS
        keep = settings.BACKUPS_KEPT if options["keep"] is None else options["keep"]
        if folder is None:
            raise CommandError("Name a folder with --to, or set ROOKERY_BACKUPS.")
        if keep < 1:
            raise CommandError("--keep is how many stay, 1 at least.")
        try:
            made = make_backup(folder.absolute(), seal_of_settings(), keep=keep)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{made.path}: {made.rows} rows, {made.images} images, {made.size} bytes")
        self.stdout.write(f"SHA-256 {made.sha256}")
        for path in made.removed:
            self.stdout.write(f"{path} was removed: {keep} stay")
        if made.missing:
            some = ", ".join(each[:12] for each in made.missing[:5])
            self.stderr.write(f"{len(made.missing)} images have no file any more, and are not in it: {some}")

    def _make_key(self, path: Path) -> None:
        try:
            public = keys.make_backup_key(path)
        except FileExistsError as error:
            raise CommandError(f"{path} is there already. Name another file.") from error
        self.stdout.write(f"{path} opens backups. Take it away from here, to where no backup is.")
        self.stdout.write(f"ROOKERY_BACKUP_KEY={public}")
