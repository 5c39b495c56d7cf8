"""Secrets taken out of what a unikernel says: many print their command line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tenants.formats.unikernels import WantedUnikernel

# Shorter ones appear by chance in ordinary words.
_SHORTEST = 4


def secret_values(wanted: WantedUnikernel) -> list[str]:
    """What a console must not show: every argument that holds a reference, and its value alone."""
    found = []
    for filled, shown in zip(wanted.arguments, wanted.shown, strict=True):
        if "{secret:" in shown:
            text = filled.decode("utf-8", "replace")
            found += [text, text.partition("=")[2]]
    return sorted({each for each in found if len(each) >= _SHORTEST}, key=len, reverse=True)


def masked(lines: Iterable[str], secrets: Iterable[str]) -> list[str]:
    known = [re.escape(each) for each in secrets]
    if not known:
        return list(lines)
    pattern = re.compile("|".join(known))
    return [pattern.sub("•••", line) for line in lines]
