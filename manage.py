#!/usr/bin/env python3
"""Rookery's command line: `python manage.py up` starts everything on one machine."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    # Settings must be named before Django is imported.
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    from tenants.starting import or_one_sentence  # noqa: PLC0415

    with or_one_sentence():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
