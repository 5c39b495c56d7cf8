"""The one way in which Rookery asks other people's web servers. No Django here."""

from __future__ import annotations

from tenants.formats.public_addresses import is_public
from workers.outward.fetch import Fetched, Fetcher, Refused, TooBig
from workers.outward.post import Answer, Poster, poster_here
from workers.outward.reach import FetchError, NotAllowed, Unreachable

__all__ = [
    "Answer",
    "FetchError",
    "Fetched",
    "Fetcher",
    "NotAllowed",
    "Poster",
    "Refused",
    "TooBig",
    "Unreachable",
    "is_public",
    "poster_here",
]
