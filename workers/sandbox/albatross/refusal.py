"""How the stand-in says no."""

from __future__ import annotations


class Refusal(Exception):
    """The daemon answers with this failure."""


class Died(Exception):
    """A message that ends a real daemon came: the stand-in stops as well."""
