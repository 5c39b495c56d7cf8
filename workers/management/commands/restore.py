"""`manage.py restore FILE`: put a backup into an empty installation, where every target then waits."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workers.backup.restoring import check, restore
from workers.backup.sealed_file import read_header
from workers.backup.seals import Opens, Passphrase, Refused, private_half


class Command(BaseCommand):
    help = "Put a backup into this installation, which must be empty."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--key", type=Path, help="The file of the private key; without it, the passphrase is asked for."
        )
        parser.add_argument("--keys-into", type=Path, help="Write the restored keys to this folder.")
        parser.add_argument(
            "--without-images", action="store_true", help="Go on although images are missing or damaged."
        )
        parser.add_argument("--check", action="store_true", help="Read it to its end, and write nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            opens = self._opens(options["file"], options["key"])
            if options["check"]:
                found = check(options["file"], opens)
                self.stdout.write(
                    f"Whole: {found.rows} rows, {len(found.images)} images, as of"
                    f" {found.seen_at:%Y-%m-%d %H:%M} UTC, by Rookery {found.version}. Nothing was written."
                )
                return
            done = restore(
                options["file"],
                opens,
                keys_into=options["keys_into"],
                without_images=options["without_images"],
                say=self.stdout.write,
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{done.rows} rows and {done.images} images are restored.")
        for path in done.key_files:
            self.stdout.write(f"{path} is written. Every process needs it before it starts.")
        self.stdout.write(
            f"{done.targets} targets wait: nothing is written outside, and no message of then is sent, before"
            f" an operator compares and lets them go, at {settings.BASE_URL}/backups."
            " Everybody signs in again."
        )

    def _opens(self, file: Path, key: Path | None) -> Opens:
        if key is not None:
            try:
                return private_half(key.read_text())
            except (OSError, ValueError) as error:
                raise Refused(f"{key} cannot be read.") from error
        if settings.BACKUP_PASSPHRASE:
            return Passphrase(settings.BACKUP_PASSPHRASE)
        try:
            with file.open("rb") as opened:
                header = read_header(opened)
        except OSError as error:
            raise Refused(f"{file} cannot be read ({error.strerror}).") from error
        if "public_key" in header["seal"]:
            raise Refused("This backup was sealed to a key: name the file of its private half with --key.")
        return Passphrase(getpass.getpass("Passphrase of the backup: "))
