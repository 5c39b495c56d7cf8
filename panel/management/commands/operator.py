"""`manage.py operator EMAIL`: make an operator, and print the one-time link that signs them in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.actions import accounts
from tenants.actor import Actor, Via
from tenants.errors import ActionError


class Command(BaseCommand):
    help = "Make somebody an operator of this Rookery and print a one-time sign-in link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--accept-hosted",
            action="store_true",
            help="The sign-in may be in a domain that is served here; whoever runs it could sign in as them.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor.rookery(Via.COMMAND, "the server's command line")
        try:
            account, url = accounts.create_operator(
                actor=actor,
                email=options["email"],
                name=options["name"],
                accept_hosted=options["accept_hosted"],
            )
        except ActionError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{account.email} is an operator. Sign in within 24 hours, once, at:\n{url}")
