"""Fields of bodies and queries: strict about JSON types, silent about meaning (actions decide that).

An error message is two sentences with a line break between: what is wrong, and what to do instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.validators import ProhibitSurrogateCharactersValidator

_COMMON = {
    "required": "This field is missing.\nSend it.",
    "null": "This is null.\nSend a value, or leave the field out.",
}
LONGEST_TEXT = 10_000
HIGHEST_PORT = 65535
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class Text(serializers.CharField):
    """A JSON string, taken as it is; actions trim and check it."""

    default_error_messages = {
        **_COMMON,
        "invalid": "This is not text.\nSend a JSON string.",
        "blank": "This is empty.\nWrite something.",
        "max_length": "This is longer than {max_length} characters.\nShorten it.",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        options.setdefault("allow_blank", True)
        options.setdefault("max_length", LONGEST_TEXT)
        super().__init__(**options)
        # One step per character for what the parser of the body has refused already (panel.api.body).
        self.validators = [
            each for each in self.validators if not isinstance(each, ProhibitSurrogateCharactersValidator)
        ]

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Number(serializers.IntegerField):
    """A JSON integer; neither "5" nor 5.0 nor true."""

    default_error_messages = {
        **_COMMON,
        "invalid": "This is not a whole number.\nSend a JSON integer.",
        "max_value": "This is above {max_value}.\nChoose a smaller number.",
        "min_value": "This is below {min_value}.\nChoose a larger number.",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", -(2**31))
        options.setdefault("max_value", 2**31 - 1)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Identifier(Number):
    """The id of a row."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, **options)


class Switch(serializers.BooleanField):
    """JSON true or false."""

    default_error_messages = {**_COMMON, "invalid": "This is neither true nor false.\nSend true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Moment(serializers.DateTimeField):
    """A moment: RFC 3339 text with its time zone."""

    default_error_messages = {
        **_COMMON,
        "invalid": "This is no moment.\nWrite one with its time zone, such as 2027-01-31T00:00:00Z.",
        "overflow": "This is no moment.\nChoose a year that people live in.",
        "make_aware": "This is no moment.\nWrite one with its time zone, such as 2027-01-31T00:00:00Z.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not _MOMENT.fullmatch(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of a few words."""

    default_error_messages = {**_COMMON, "invalid_choice": "This is no choice.\nChoose one of: {words}."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", words=", ".join(str(word) for word in self.choices))
        return data


class Texts(serializers.ListField):
    """A list of strings."""

    default_error_messages = {
        **_COMMON,
        "not_a_list": "This is not a list.\nSend a JSON array of strings.",
        "empty": "There is nothing in it.\nSend at least one.",
        "max_length": "There are more than {max_length} here.\nSend fewer.",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("child", Text(max_length=400))
        options.setdefault("max_length", 100)
        super().__init__(**options)


class Identifiers(serializers.ListField):
    """A list of ids of rows."""

    default_error_messages = {
        **_COMMON,
        "not_a_list": "This is not a list.\nSend a JSON array of integers.",
        "empty": "There is nothing in it.\nSend at least one.",
        "max_length": "There are more than {max_length} here.\nSend fewer.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Identifier(), **options)


class Numbers(serializers.ListField):
    """A list of whole numbers."""

    default_error_messages = dict(Identifiers.default_error_messages)

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 1024)
        super().__init__(child=Number(), **options)


class Flag(serializers.BooleanField):
    """A switch in a query: present without a value counts as true."""

    default_error_messages = {**_COMMON, "invalid": "This is neither true nor false.\nWrite true or false."}

    def to_internal_value(self, data: Any) -> bool:
        words = {"": True, "true": True, "1": True, "false": False, "0": False}
        if not isinstance(data, str) or data.lower() not in words:
            self.fail("invalid", input=data)
        return words[data.lower()]


class QueryNumber(serializers.IntegerField):
    """A whole number in a query."""

    default_error_messages = {
        "invalid": "This is not a whole number.\nWrite digits.",
        "max_value": "This is above {max_value}.\nChoose a smaller number.",
        "min_value": "This is below {min_value}.\nChoose a larger number.",
        "max_string_length": "This is too long.\nWrite fewer digits.",
    }


class QueryIdentifier(QueryNumber):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, required=False, **options)


class Shape(serializers.Serializer[Any]):
    """What comes in: a JSON object, or a query. A field that is not known is refused, not ignored:
    a misspelled `dry_run` must not write."""

    default_error_messages = {"invalid": "This is not a JSON object.\nSend an object: {…}."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValidationError({"non_field_errors": [self.error_messages["invalid"]]})
        known = [name for name, field in self.fields.items() if not field.read_only]
        choices = f"Known here: {', '.join(known)}." if known else "Nothing is known here; leave it out."
        problems: dict[str, Any] = {
            str(name)[:100]: [ErrorDetail(f"This field is not known here.\n{choices}", code="unknown")]
            for name in list(data)[:100]
            if name not in known
        }
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            if isinstance(error.detail, dict):
                problems |= error.detail
        if problems:
            raise ValidationError(problems)
        return values


class Nothing(Shape):
    """An empty query."""


class PageQuery(Shape):
    """Which part of a list."""

    cursor = Text(required=False, max_length=1000, help_text="From `next` of the page before; opaque.")
    limit = QueryNumber(
        required=False, min_value=1, max_value=200, default=100, help_text="How many at most on one page."
    )


@cache
def with_order(shape: type[Shape], orders: tuple[str, ...]) -> type[Shape]:
    """The query of a list, with the orders that it comes in."""
    field = Choice(
        required=False,
        choices=[(order, order) for order in orders],
        help_text=f"What the list goes by, `-` for the other way; {orders[0]} where nothing is said.",
    )
    return type(shape.__name__, (shape,), {"order": field})


LONGEST_WAIT = 10


class DryRunQuery(Shape):
    """What every write takes."""

    dry_run = Flag(
        required=False,
        default=False,
        help_text="Check and show what would be, and change nothing. Answers 200; ids of things that would"
        " be made are null, links and keys are left out.",
    )


class WaitQuery(Shape):
    """How long to wait for workers."""

    wait = QueryNumber(
        required=False,
        min_value=0,
        max_value=LONGEST_WAIT,
        help_text="Seconds to wait at most for what is asked here; a busy server answers at once.",
    )


class WriteQuery(DryRunQuery):
    """What the writes of people with an account take."""

    wait = QueryNumber(
        required=False,
        min_value=0,
        max_value=LONGEST_WAIT,
        help_text="Seconds to wait at most until the change was read back from outside; Rookery-Observed"
        " says whether it was. A busy server answers at once: go on with the address in Link.",
    )
