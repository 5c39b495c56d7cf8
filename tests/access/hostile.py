"""Text that attacks: what it is, where it may be kept nevertheless, and what must hold after it was sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.apps import apps
from django.db import models

MARK = "alert(4711)"
SCRIPT = f"<script>{MARK}</script>"

# Nothing of this is kept anywhere but in a panel password, which is hashed.
NEVER = {
    "NUL": "a\0b",
    "escape": "a\x1b[2Jb",
    "bidi": "a\u202eb",
    "isolate": "a\u2066b",
    "zero width": "a\u200bb",
    "separator": "a\u2028b",
    "huge": "x" * 1_000_000,
}
# Kept where text for several lines is kept.
LINES = {"newline": "a\nb", "carriage return": "a\r\nBcc: b@x.example"}
# Kept where people write freely, and shown as what it is.
FREE = {
    "shell": "$(touch /tmp/x); `id`",
    "script": SCRIPT,
    "attribute": f"\"'><img src=x onerror={MARK}>",
    "template": "{{ 7*7 }}{0.__class__}%(x)s",
    "letters": "Grüße, 日本",
}
TEXTS = {**NEVER, **LINES, **FREE}


def never_as_markup(answer: Any) -> None:
    """What was typed is shown as text, or not at all."""
    if answer.get("Content-Type", "").startswith("text/plain"):
        assert answer["X-Content-Type-Options"] == "nosniff"
        return
    assert SCRIPT.encode() not in answer.content
    assert b"<img src=x" not in answer.content


def too_long_for_their_columns(written: Collection[str]) -> list[str]:
    """Values in these tables that PostgreSQL would have refused; SQLite keeps them whatever a column says."""
    return [
        f"{model.__name__}.{name}"
        for model, name, limit in _limited_columns()
        if model.__name__ in written
        for value in model._default_manager.values_list(name, flat=True)
        if value is not None and len(value) > limit
    ]


def _limited_columns() -> Iterator[tuple[type[models.Model], str, int]]:
    for model in apps.get_app_config("tenants").get_models():
        for column in model._meta.local_fields:
            limit: Any = getattr(column, "max_length", None)
            if isinstance(column, models.CharField) and limit:
                yield model, column.name, limit
