"""Pages of a long list in the order of a name: the rows after one, or before one; nothing is counted or
skipped, so the thousandth page costs what the first does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict

from panel.web.activity import Page
from tenants.bounded import first_of_each

LONGEST_NAME = 254


def by_name(
    rows: QuerySet[Any],
    query: QueryDict,
    url: str,
    field: str,
    *,
    size: int,
    kept: Mapping[str, str],
    parts: Sequence[QuerySet[Any]] = (),
) -> Page:
    """The page that `?after=` or `?before=` asks for. `field` is unique in `rows`; `kept` stays in links.

    `parts` are the same rows in pieces of which an index has each in order (see tenants.bounded).
    """
    after, before = (query.get(name, "").replace("\0", "")[:LONGEST_NAME] for name in ("after", "before"))
    backwards = bool(before and not after)
    place = Q(**{f"{field}__lt": before}) if backwards else Q(**{f"{field}__gt": after}) if after else Q()
    order = f"-{field}" if backwards else field
    rows = rows.filter(place).order_by(order)
    if parts:
        rows = rows.filter(
            pk__in=first_of_each([part.filter(place).order_by(order) for part in parts], size + 1)
        )
    found = list(rows[: size + 1])
    more, shown = len(found) > size, found[:size]
    shown, earlier, later = (shown[::-1], more, True) if backwards else (shown, bool(after), more)
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
