"""`python -m tests.bench [--quick]`: see CONTRIBUTING.md. Only the bench's own, temporary data is touched."""

from __future__ import annotations

# Loaded first: a temporary data folder and a database for this run only, removed at its end.
from tests import environment  # isort: skip

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import django

assert environment
os.environ["DJANGO_SETTINGS_MODULE"] = "panel.settings"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description="Measure each goal beside its floor; one JSON line per measure, progress on stderr."
        " Ends with status 1 when a goal is missed.",
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes, about half a minute")
    parser.add_argument(
        "--host",
        choices=["openssh", "python"],
        help="the git host: a real sshd (the default where it runs), or the sandbox's server around real git",
    )
    wish = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    django.setup()
    from tests.bench import run
    from tests.bench.hosts import NoHost
    from tests.bench.sizes import FULL, QUICK

    kinds = [wish.host] if wish.host else ["openssh", "python"]
    try:
        with tempfile.TemporaryDirectory(prefix="rookery-bench-") as folder:
            return 0 if run.run(QUICK if wish.quick else FULL, Path(folder), kinds) else 1
    except NoHost as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; nothing is left behind.", file=sys.stderr)
        return 130


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
