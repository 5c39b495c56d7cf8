"""`manage.py second_factors EMAIL`: what somebody has, and `--remove` for whoever lost all of it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.actions.second_factors import forget_second_factors
from tenants.actor import Actor, Via
from tenants.errors import ActionError
from tenants.factors import factors_of
from tenants.models import Account


class Command(BaseCommand):
    help = "Show the second factors of an account, or remove them for somebody who lost them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--remove",
            action="store_true",
            help="Remove all of them and the recovery codes. Be sure before that it is them who asks.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            actor = Actor.rookery(Via.COMMAND, "the server's command line")
            try:
                told = forget_second_factors(actor=actor, email=options["email"])
            except ActionError as error:
                raise CommandError(error.sentence) from error
            self.stdout.write(f"{told.email} signs in without a second factor from now on, and was told.")
            return
        account = Account.objects.filter(email=options["email"].strip().lower()).first()
        if account is None:
            raise CommandError("There is no such account.")
        self.stdout.write(f"{account.email}: {factors_of(account)}.")
