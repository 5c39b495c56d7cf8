"""Entity tags: what a body says, in two hashes, `"asked.told"`.

The first is of what people ask for, the second of the whole body. `If-Match` compares the first: what
workers report meanwhile (that a change was written, say) does not stand in the way of the next one. Reading
with `If-None-Match` compares the whole tag, so nothing that was reported is missed (RFC 9110, 13.1).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db.models import Model
from rest_framework.request import Request

from panel.api.errors import Stale
from tenants.actions.locking import lock
from tenants.errors import Invalid

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]{0,200})"')
_MOST_TAGS = 20


@dataclass(frozen=True)
class Subject:
    """What an address names: its rows in the order in which they are locked, and its body as it is now."""

    rows: Sequence[Model]
    show: Callable[[], dict[str, Any]]


def tag_of(body: Mapping[str, Any], reported: Collection[str]) -> str:
    """The tag of a body; `reported` names the fields that change without anybody asking."""
    asked = {name: value for name, value in body.items() if name not in reported}
    return f'"{_hash(asked)}.{_hash(body)}"'


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(body, enc_hook=str)).hexdigest()[:20]


def read_tags(request: Request, header: str) -> list[str] | None:
    """The tags of a condition without their quotes, ["*"] for any; None where there is no such header."""
    given = request.headers.get(header)
    if given is None:
        return None
    if given.strip() == "*":
        return ["*"]
    parts = [part.strip() for part in given.split(",")][: _MOST_TAGS + 1]
    found = [_TAG.fullmatch(part) for part in parts]
    if len(found) > _MOST_TAGS or not all(found):
        raise Invalid.of(
            header, "This is no list of entity tags.", 'Send the ETag as you got it, quotes too: "…".'
        )
    return [each.group(2) for each in found if each is not None]


def require_unchanged(wanted: Sequence[str], subject: Subject, reported: Collection[str]) -> None:
    """Hold the rows and compare, inside the transaction of the write: of two writers one is told.

    Raises Stale with the present tag.
    """
    for row in subject.rows:
        lock(row)
    present = tag_of(subject.show(), reported)
    asked = _asked(present.strip('"'))
    if "*" not in wanted and all(_asked(tag) != asked for tag in wanted):
        raise Stale(present)


def _asked(tag: str) -> str:
    return tag.partition(".")[0]


def is_known(wanted: Sequence[str] | None, tag: str) -> bool:
    """Does the reader have this body already?"""
    return wanted is not None and ("*" in wanted or tag.strip('"') in wanted)
