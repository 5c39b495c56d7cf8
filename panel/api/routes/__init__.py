"""Which address leads to which operation, by subject."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver

from panel.api import converters

Routes = list[URLPattern | URLResolver]
READ_AND_MAKE: dict[str, Any] = {"get": "list", "post": "create"}

# Before any of them is read.
converters.register()
