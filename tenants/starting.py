"""How a process ends that was given what makes no sense: with one sentence, and no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured


@contextmanager
def or_one_sentence() -> Iterator[None]:
    """Around what reads the settings first, in each program of ours."""
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"Rookery cannot start: {error}")
