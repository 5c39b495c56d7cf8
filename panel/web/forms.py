"""How forms are drawn: Rookery's field template, and Django's own widgets below it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import django.forms
from django.forms.renderers import DjangoTemplates
from django.template.backends.django import DjangoTemplates as TemplateBackend

_OWN_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
_WIDGET_TEMPLATES = Path(django.forms.__file__).resolve().parent / "templates"


class RookeryRenderer(DjangoTemplates):
    """The `FORM_RENDERER`: `as_field_group` draws `parts/field.html`, `{{ form }}` draws `parts/form.html`.

    It looks in the project's templates first, so that it needs no `django.forms` in `INSTALLED_APPS`.
    """

    field_template_name = "parts/field.html"
    form_template_name = "parts/form.html"

    @cached_property
    def engine(self) -> TemplateBackend:
        return TemplateBackend(
            {
                "NAME": "rookeryforms",
                "DIRS": [_OWN_TEMPLATES, _WIDGET_TEMPLATES],
                "APP_DIRS": False,
                "OPTIONS": {},
            }
        )
