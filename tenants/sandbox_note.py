"""The note that a running sandbox leaves about itself, for the panel and the workers beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings


def sandbox_note(at_most: int = -1) -> dict[str, Any]:
    """Where the sandbox listens, and its public keys; reads `at_most` bytes, or all.

    Raises OSError where no sandbox runs, and ValueError where its note cannot be read.
    """
    with (Path(settings.SANDBOX_CONTROL).parent / "addresses.json").open("rb") as file:
        note = json.loads(file.read(at_most))
    if not isinstance(note, dict):
        raise ValueError("the sandbox's note is no object")
    return note


def sandbox_door() -> tuple[str, int] | None:
    """Where the sandbox's mail server listens that any domain may name; None where no sandbox runs."""
    try:
        host, port = sandbox_note(262_144)["door"]
        return str(host), int(port)
    except (OSError, ValueError, KeyError, TypeError):
        return None
