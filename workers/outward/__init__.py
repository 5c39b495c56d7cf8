"""The one way in which Rookery fetches what other people's web servers hold. No Django here."""

from __future__ import annotations

from tenants.formats.public_addresses import is_public
from workers.outward.fetch import Fetched, Fetcher, FetchError, NotAllowed, Refused, TooBig, Unreachable

__all__ = [
    "FetchError",
    "Fetched",
    "Fetcher",
    "NotAllowed",
    "Refused",
    "TooBig",
    "Unreachable",
    "is_public",
]
