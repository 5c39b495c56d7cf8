"""`manage.py host_authority HOST --authority FILE --key FILE`: another certificate that signs commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.actions.hosts import renew_authority
from tenants.actor import Actor, Via
from tenants.errors import ActionError
from tenants.models import Host


class Command(BaseCommand):
    help = "Sign commands for a host that is reached over TLS with another certificate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("host", help="The host's name.")
        parser.add_argument("--organization", help="Whose host it is, where several have one of that name.")
        parser.add_argument(
            "--authority",
            type=Path,
            required=True,
            help="PEM: the host's CA, or the intermediate that its owner made, its issuers after it.",
        )
        parser.add_argument("--key", type=Path, required=True, help="PEM: its key. It is sealed at once.")
        parser.add_argument("--server-ca", type=Path, help="PEM: the CA of the endpoint, if it changed.")

    def handle(self, *args: Any, **options: Any) -> None:
        hosts = Host.objects.filter(name=options["host"])
        if options["organization"]:
            hosts = hosts.filter(organization__name=options["organization"])
        found = list(hosts[:2])
        if len(found) != 1:
            raise CommandError(
                "Several organizations have a host of that name. Say --organization."
                if found
                else "There is no such host."
            )
        try:
            texts = {
                name: options[given].read_text() if options[given] else ""
                for name, given in (
                    ("authority", "authority"),
                    ("authority_key", "key"),
                    ("server_ca", "server_ca"),
                )
            }
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"A file cannot be read: {error}") from error
        actor = Actor.rookery(Via.COMMAND, "the server's command line")
        try:
            renew_authority(actor=actor, host=found[0], **texts)
        except ActionError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{found[0]} is looked at again now, with the new certificate.")
