"""`python -m tests.soak`: see CONTRIBUTING.md. Only the soak's own, temporary data is touched."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/soak",
        description="Many changes by many programs, on real PostgreSQL and Valkey, while processes are killed"
        " and outside systems fail. Ends with status 1 unless at the end everything is outside as it was"
        " asked for, once, and nobody was starved.",
    )
    parser.add_argument("--changes", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0, help="what goes wrong, and when; printed")
    wish = parser.parse_args()
    _prepare()
    from tests.soak.soak import FULL, soak
    from tests.soak.world import has_bind

    seed = wish.seed or random.SystemRandom().randrange(1, 1_000_000)
    changes = max(40, wish.changes)
    _say(f"seed {seed}; the same again: bin/soak --changes {changes} --seed {seed}")
    server = has_bind()
    if not server:
        _say("no named here (Debian's bind9): nothing goes to a name server that takes dynamic updates")
    with tempfile.TemporaryDirectory(prefix="rookery-soak-") as folder:
        result = soak(replace(FULL, changes=changes, server=server), seed, Path(folder), _say)
    for line in result.told():
        _say(line)
    return 1 if result.wrong or result.starved else 0


def _prepare() -> None:
    """A data folder and a PostgreSQL for this run only, removed at its end; then Django."""
    os.environ["ROOKERY_TEST_DATABASE"] = "postgres"
    from tests import environment

    assert environment
    os.environ["DJANGO_SETTINGS_MODULE"] = "panel.settings"
    os.environ["ROOKERY_NEAR_NETWORKS"] = "127.0.0.0/8"  # its git hosts are here

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
