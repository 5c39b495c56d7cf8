"""`manage.py keys`: renew the key that signs or the workers' key, seal anew, and retire former keys.

A renewed key stands in its file above the former ones, so nothing that was signed or sealed before is lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants import keys
from tenants.actions.resealing import Resealing, reseal
from tenants.actor import Actor, Via
from tenants.keys import WorkersKeys
from tenants.secrets import CannotOpen, Opener

_ACTOR = Actor.rookery(Via.COMMAND, "the server's command line")


class Command(BaseCommand):
    help = "Show, renew and retire the key that signs (web) and the workers' sealing key (workers)."

    def add_arguments(self, parser: CommandParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        deeds.add_parser("show", help="Which keys there are, and how much is sealed to former ones.")
        for deed, told in (
            ("renew", "Put a new key above the one in use, which becomes a former one."),
            ("retire", "Remove former keys. Refused while a stored secret is sealed to one."),
        ):
            each = deeds.add_parser(deed, help=told)
            each.add_argument("which", choices=("web", "workers"))
            each.add_argument("--into", type=Path, help="Write to this folder instead of the files in use.")
        deeds.add_parser("reseal", help="Seal every stored secret anew to the workers' key in use.")

    def handle(self, *args: Any, **options: Any) -> None:
        deed, which, into = options["deed"], options.get("which"), options.get("into")
        if deed == "show":
            self._show()
        elif deed == "reseal":
            self._reseal()
        elif which == "web":
            self._change_web(into, renew=deed == "renew")
        else:
            self._change_workers(into, renew=deed == "renew")

    # what there is --------------------------------------------------------------------------------

    def _show(self) -> None:
        web = _read(keys.WEB).split()
        self.stdout.write(f"web      1 key in use, {_former(len(web) - 1)}")
        held = _workers()
        self.stdout.write(f"workers  1 key in use, {_former(len(held.former))}; its public half:")
        self.stdout.write(f"         {keys.public_half(held.current)}")
        found = reseal(actor=_ACTOR, opener=Opener(held), write=False)
        self.stdout.write(f"sealed   {found.right} to the key in use, {found.anew} to former ones")
        self._lost(found)

    def _reseal(self) -> None:
        found = reseal(
            actor=_ACTOR, opener=Opener(_workers()), say=lambda line: self.stdout.write(f"  {line}")
        )
        self.stdout.write(
            f"{found.anew} secrets were sealed anew; {found.right} are sealed to the key in use."
        )
        self._lost(found)
        if not found.done:
            raise CommandError(
                "A process still seals to a former key: restart every web process with the new workers.pub,"
                " then run this again."
            )

    def _lost(self, found: Resealing) -> None:
        if found.lost:
            some = ", ".join(found.lost[:5]) + (" …" if len(found.lost) > 5 else "")
            self.stderr.write(
                f"{len(found.lost)} stored secrets are opened by none of these keys: {some}."
                " If you have the key that they were sealed to, add it as a line of workers.key."
            )

    # what changes ---------------------------------------------------------------------------------

    def _change_web(self, into: Path | None, *, renew: bool) -> None:
        known = _read(keys.WEB).split()
        new = [keys.new_web_secret(), *known] if renew else known[:1]
        path = _write(keys.WEB, "\n".join(new), into)
        self.stdout.write(f"{path} is written. Restart every process of Rookery to use it.")
        if renew:
            days = settings.SESSION_COOKIE_AGE // 86400
            self.stdout.write(
                f"Nobody is signed out. After {days} days: manage.py keys retire web. If the former key was"
                " stolen, do that at once: everybody then signs in again."
            )

    def _change_workers(self, into: Path | None, *, renew: bool) -> None:
        held = _workers()
        if renew:
            fresh = held.renewed()
        else:
            found = reseal(actor=_ACTOR, opener=Opener(held), write=False)
            self._lost(found)
            if not found.done:
                raise CommandError(
                    f"{found.anew} stored secrets are sealed to a former key: run manage.py keys reseal"
                    " first."
                )
            fresh = held.retired()
        # The private one first: what is sealed before the public one is there can be opened all the same.
        private = _write(keys.PRIVATE, fresh.text(), into)
        public = _write(keys.PUBLIC, keys.public_half(fresh.current), into)
        self.stdout.write(f"{private} and {public} are written.")
        if renew:
            self.stdout.write(
                "Restart the workers and watch first, then web and beat. Then: manage.py keys reseal, and at"
                " the end manage.py keys retire workers. Keep the former key where you keep keys for as long"
                " as you keep backups that were made under it."
            )
        else:
            self.stdout.write("Restart the workers and watch.")


def _former(count: int) -> str:
    return "no former ones" if not count else f"{count} former"


def _read(name: str) -> str:
    """What the key's file, or the environment, says."""
    path = settings.KEY_FILES[name]
    if path is None:
        given = {
            keys.WEB: [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS],
            keys.PRIVATE: [
                WorkersKeys(settings.WORKERS_KEY, settings.WORKERS_FORMER_KEYS, settings.WORKERS_MARKS).text()
            ],
        }
        return "\n".join(given[name])
    try:
        return str(path.read_text())
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read ({error.strerror}). Run this where the key is, as a user who may read it."
        ) from error


def _workers() -> WorkersKeys:
    try:
        held = WorkersKeys.read(_read(keys.PRIVATE))
        Opener(held)
    except (ValueError, CannotOpen) as error:
        raise CommandError(f"{settings.KEY_FILES[keys.PRIVATE]} holds no key of workers.") from error
    return held


def _write(name: str, content: str, into: Path | None) -> Path:
    path = into / name if into is not None else settings.KEY_FILES[name]
    if path is None:
        raise CommandError(
            f"The environment itself holds what would be in {name}: name a folder for the new one with"
            " --into."
        )
    try:
        keys.replace(path, content)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written ({error.strerror}). Name a folder with --into, then put what it"
            " holds in its place."
        ) from error
    return Path(path)
