"""A whole installation on SQLite in a process of its own: filled, backed up, and told row by row.

    python -m tests.backup.elsewhere BACKUPS PUBLIC-KEY

Its data folder comes from ROOKERY_DATA. It prints the backup's path and a digest of each table.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command


def digests(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[str]]:
    """Of each row of each table, the same on every database."""
    return {label: [_digest(row) for row in found] for label, found in tables.items()}


def _digest(row: tuple[Any, ...]) -> str:
    from workers.backup.rows import line

    # PostgreSQL keeps the names in a JSON column in an order of its own.
    plain = json.dumps(json.loads(line(list(row))), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def main() -> None:
    django.setup()
    from tests.access.stage import build_stage
    from tests.backup.world import everything
    from workers.backup.making import make_backup
    from workers.backup.seals import PublicHalf

    call_command("migrate", verbosity=0, interactive=False)
    build_stage()
    made = make_backup(Path(sys.argv[1]), PublicHalf(sys.argv[2]), keep=1)
    sys.stdout.write(json.dumps({"path": str(made.path), "tables": digests(everything())}))


if __name__ == "__main__":
    main()
