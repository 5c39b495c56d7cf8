"""Pages of a long list in the order of a name: the rows after one, or before one; nothing is counted or
skipped, so the thousandth page costs what the first does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict

from panel.web.activity import Page

LONGEST_NAME = 254


def by_name(
    rows: QuerySet[Any], query: QueryDict, url: str, field: str, *, size: int, kept: Mapping[str, str]
) -> Page:
    """The page that `?after=` or `?before=` asks for. `field` is unique in `rows`; `kept` stays in links."""
    after, before = (query.get(name, "").replace("\0", "")[:LONGEST_NAME] for name in ("after", "before"))
    if before and not after:
        found = list(rows.filter(**{f"{field}__lt": before}).order_by(f"-{field}")[: size + 1])
        earlier, later = len(found) > size, True
        shown = found[:size][::-1]
    else:
        found = list((rows.filter(**{f"{field}__gt": after}) if after else rows).order_by(field)[: size + 1])
        earlier, later = bool(after), len(found) > size
        shown = found[:size]
    first, last = (getattr(shown[0], field), getattr(shown[-1], field)) if shown else (after, before)

    def at(**place: str) -> str:
        wanted = {name: value for name, value in {**kept, **place}.items() if value}
        return f"{url}?{urlencode(wanted)}" if wanted else url

    return Page(
        shown,
        {
            "sentence": f"From {first} to {last}" if shown else "Nothing more",
            "previous_url": (at(before=first) if shown else at()) if earlier else "",
            "next_url": at(after=last) if later and shown else "",
        },
    )
