"""Form fields that hand on what was typed: actions validate, so that web and API give the same answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenants.errors import Conflict, Invalid, TooMany

T = TypeVar("T")


class Typed(forms.CharField):
    """Text as typed, without the spaces that copying leaves around it. Nothing else is changed or refused.

    `required` only tells the browser; an empty value goes to the action, which says what it wants.
    """

    def __init__(self, *, suffix: str = "", mark_optional: bool = False, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.suffix = suffix
        self.mark_optional = mark_optional
        self.validators = []

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).strip(" ")

    def validate(self, value: Any) -> None:
        """The action does."""


class Secret(Typed):
    """A password: kept exactly as typed and never written back into a page."""

    widget = forms.PasswordInput

    def to_python(self, value: Any) -> str:
        return str(forms.CharField.to_python(self, value))

    def prepare_value(self, value: Any) -> None:
        """What is shown of it: nothing, whatever the widget; one of several lines would show it."""


def plain_input(**attributes: str | bool) -> forms.TextInput:
    """A text input in which browsers and phones neither correct nor capitalise."""
    return forms.TextInput({"autocapitalize": "none", "spellcheck": "false", **attributes})


def email_input(**attributes: str | bool) -> forms.EmailInput:
    return forms.EmailInput({"autocapitalize": "none", "spellcheck": "false", **attributes})


@dataclass(frozen=True)
class Tried(Generic[T]):
    """What became of a form: the action's value, or the status with which the form is shown again."""

    ok: bool
    value: T | None = field(default=None, repr=False)  # may be a key that is shown once
    status: int = 200
    retry_after: int = 0


def try_form(
    form: forms.Form, act: Callable[[], T], *, typed_in: Mapping[str, str] | None = None
) -> Tried[T]:
    """Run an action with a form. Refusals and reached limits stay on the form, beside what was typed.

    Problems of list items (`targets[1]`) belong to the field of the list; `typed_in` names the form's field
    for one of the action's that is called otherwise. Absent and Forbidden go on to the page's own handling.
    """
    if not form.is_valid():
        return Tried(ok=False, status=400)
    try:
        return Tried(ok=True, value=act())
    except TooMany as error:
        form.add_error(None, error.sentence)
        return Tried(ok=False, status=429, retry_after=error.retry_after)
    except Conflict as error:
        form.add_error(None, error.sentence)
        return Tried(ok=False, status=409)
    except Invalid as error:
        for problem in error.problems:
            field = problem.field.partition("[")[0]
            field = (typed_in or {}).get(field, field)
            form.add_error(field if field in form.fields else None, str(problem))
    return Tried(ok=False, status=400)


def show(
    request: HttpRequest, template: str, context: dict[str, Any], tried: Tried[Any] | None = None
) -> HttpResponse:
    """A page; after a form that was refused, with the status and the Retry-After that belong to it."""
    status = tried.status if tried is not None else 200
    response = render(request, template, {"sandbox": settings.SANDBOX, **context}, status=status)
    if tried is not None and tried.retry_after:
        response["Retry-After"] = str(tried.retry_after)
    return response
