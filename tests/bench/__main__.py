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
os.environ["ROOKERY_NEAR_NETWORKS"] = "127.0.0.0/8"  # its git hosts are here


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description="Measure each goal beside its floor; one JSON line per measure, progress on stderr."
        " Ends with status 1 when a goal is missed.",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="fewer rounds and domains, about half a minute")
    size.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # for the bench's own test
    parser.add_argument(
        "--held",
        action="store_true",
        help="only tell what this machine holds: see docs/limits.md",
    )
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
    from tests.bench.measure import say
    from tests.bench.sizes import FULL, QUICK, TINY

    kinds = [wish.host] if wish.host else ["openssh", "python"]
    try:
        with tempfile.TemporaryDirectory(prefix="rookery-bench-") as folder:
            sizes = QUICK if wish.quick else TINY if wish.tiny else FULL
            begin = run.hold if wish.held else run.run
            return 0 if begin(sizes, Path(folder), kinds) else 1
    except NoHost as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        say("Stopped; nothing is left behind.")
        return 130


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
