"""Write the table of the command line's commands anew, after the API has changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from panel.api import command_table
from panel.api.schema import openapi
from panel.cli.table import FILE


class Command(BaseCommand):
    help = "Write panel/cli/commands.json from the API's description."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        command_table.write(openapi())
        self.stdout.write(f"{FILE} is written.")
