"""One shape for everything that goes wrong: problem details (RFC 9457) with a code, an id and fixes.

The same shape answers for what an action refuses, what the framework refuses, and what breaks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from tenants.errors import Absent, ActionError, Conflict, FactorNeeded, Forbidden, Invalid, Problem, TooMany

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# code → (status, title, what it means; the last is for the reference).
CODES: dict[str, tuple[int, str, str]] = {
    "invalid": (400, "Some of this cannot be taken", "Each problem names a field and its fix."),
    "malformed": (400, "This cannot be read", "The body is not the JSON that was announced."),
    "not_authenticated": (401, "Who is asking?", "Send a token: Authorization: Bearer rk_…"),
    "bad_token": (401, "This token does not work", "It is unknown, revoked, expired, or of another network."),
    "forbidden": (403, "You may not do this", "You can see the thing; somebody else may change it."),
    "second_factor_needed": (
        403,
        "A second factor is needed first",
        "Your organization, or your rank, asks for one. Set it up in the panel, under Account.",
    ),
    "not_found": (404, "Nothing here", "It does not exist, or not for you: the two are never told apart."),
    "method_not_allowed": (405, "Not with this method", "The Allow header names the methods."),
    "not_acceptable": (406, "Only JSON is spoken here", "Accept application/json."),
    "too_slow": (408, "This took too long", "The body came in too slowly; nothing of it was kept."),
    "conflict": (409, "Not as things are now", "Somebody was faster, or the state does not fit. Read again."),
    "length_required": (411, "The length is missing", "Send Content-Length; a body in chunks has none."),
    "stale": (412, "It has changed since you read it", "ETag has the present tag. Read again, then decide."),
    "too_large": (413, "Too much at once", "The body is larger than is read."),
    "unsupported_media_type": (415, "Only JSON is read here", "Send Content-Type: application/json."),
    "key_reused": (422, "This key was used for another request", "Send a new Idempotency-Key."),
    "not_all": (422, "Nothing was done", "Some operations are refused; each problem says which, and why."),
    "too_many": (429, "Too many requests", "Wait for the seconds in Retry-After."),
    "broken": (500, "Rookery failed", "A bug. Report it with the request_id; nothing was half done."),
    "unavailable": (503, "Not just now", "The database is busy or away. Try again soon."),
}

# Fixes for what the framework itself finds wrong with a field, by its code.
_FIXES = {
    "required": "Send this field.",
    "null": "Send a value, or leave the field out.",
    "null_characters_not_allowed": "Remove the NUL character.",
}
_READ_THE_REFERENCE = "The reference at /api/v1/docs/ says what goes here."


_SIGN_IN = "Sign in, or send a token: Authorization: Bearer rk_… (made in the panel under Account)."
_BROKEN = "Rookery itself failed. Please report this with the request_id; the log has the details."


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"


class Stale(exceptions.APIException):
    """The condition of `If-Match` does not hold; `tag` is the present one."""

    status_code = 412

    def __init__(self, tag: str) -> None:
        super().__init__("Somebody changed this since you read it. Read it again, then decide anew.")
        self.headers = {"ETag": tag}


class KeyReused(exceptions.APIException):
    status_code = 422
    default_detail = (
        "This Idempotency-Key was sent with another request: other method, address, body or If-Match."
        " Nothing was done. Send a new key for a new request."
    )


class NotAll(exceptions.APIException):
    """Some of several operations were refused, so none was done."""

    status_code = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("Some operations are refused, so nothing was done. Mend them, or leave them out.")
        self.problems = tuple(problems)


class AnswerWith(Exception):
    """No refusal of its own: the answer is known already."""

    def __init__(self, answer: Response) -> None:
        super().__init__("this is answered already")
        self.answer = answer


class BadToken(exceptions.AuthenticationFailed):
    default_code = "bad_token"
    default_detail = (
        "This token is unknown, was revoked, has expired, or does not work from your network. The panel shows"
        " your tokens under Account; make a new one there."
    )


def problem(
    code: str, detail: str, request_id: str, problems: Iterable[Problem] = (), status: int | None = None
) -> dict[str, Any]:
    """The body of a refusal. It names nothing of the request but its id."""
    usual, title, _ = CODES[code]
    return {
        "type": f"{settings.BASE_URL}/api/v1/docs/#problem-{code}",
        "title": title,
        "status": status or usual,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        "problems": [each.as_dict() for each in problems],
    }


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """What Django REST framework calls for every exception of a view: never None, so never an HTML page."""
    if isinstance(error, AnswerWith):
        return error.answer
    request = context.get("request")
    request_id = str(getattr(request, "request_id", ""))
    code, detail, problems, headers = _explain(error)
    if code == "broken":
        log.error("request %s failed", request_id, exc_info=error)
    status = CODES[code][0]
    return Response(
        problem(code, detail, request_id, problems), status=status, headers=headers, content_type=MEDIA_TYPE
    )


def broken_before_its_view(request_id: str) -> HttpResponse:
    """The same for what broke where no view of the API could catch it."""
    body = problem("broken", _BROKEN, request_id)
    return HttpResponse(msgspec.json.encode(body), status=500, content_type=MEDIA_TYPE)


_Explained = tuple[str, str, Sequence[Problem], dict[str, str]]

_REFUSALS: tuple[tuple[type[Exception], str], ...] = (
    (Absent, "not_found"),
    (FactorNeeded, "second_factor_needed"),
    (Forbidden, "forbidden"),
    (Conflict, "conflict"),
    (TooMany, "too_many"),
    (Invalid, "invalid"),
    (ActionError, "conflict"),
)
# The framework's refusals: kind, code, and our sentence where its own does not help.
_FRAMEWORK: tuple[tuple[type[Exception], str, str], ...] = (
    (exceptions.ParseError, "malformed", ""),
    (BadToken, "bad_token", ""),
    (exceptions.NotAuthenticated, "not_authenticated", _SIGN_IN),
    (exceptions.AuthenticationFailed, "not_authenticated", _SIGN_IN),
    (exceptions.PermissionDenied, "forbidden", ""),
    (exceptions.NotFound, "not_found", ""),
    (
        exceptions.MethodNotAllowed,
        "method_not_allowed",
        "This address has no such method; Allow names those it has.",
    ),
    (exceptions.NotAcceptable, "not_acceptable", "Answers are JSON. Send Accept: application/json."),
    (
        exceptions.UnsupportedMediaType,
        "unsupported_media_type",
        "Send JSON with Content-Type: application/json.",
    ),
    (TooLarge, "too_large", ""),
    (Stale, "stale", ""),
    (KeyReused, "key_reused", ""),
    (NotAll, "not_all", ""),
    (Http404, "not_found", Absent().sentence),
    (DjangoPermissionDenied, "forbidden", "You may not do this."),
    (
        SuspiciousOperation,
        "malformed",
        "This request cannot be read. Send it again as the reference says.",
    ),
)


# Of what cannot even be read: who sends a thousand wrong things learns from the first ones.
MOST_TOLD = 20


def _explain(error: Exception) -> _Explained:
    """Code, detail, problems and headers of any exception."""
    if isinstance(error, ActionError):
        code = next(code for kind, code in _REFUSALS if isinstance(error, kind))
        problems = error.problems if isinstance(error, Invalid | Conflict) else ()
        return code, error.sentence, problems, _wait(error.retry_after) if isinstance(error, TooMany) else {}
    if isinstance(error, exceptions.ValidationError):
        found = tuple(flatten(error.detail))
        problems, more = found[:MOST_TOLD], len(found) - MOST_TOLD
        sentences = [str(each) for each in problems] + ([f"And {more} more like these."] if more > 0 else [])
        return "invalid", " ".join(sentences), problems, {}
    if isinstance(error, exceptions.Throttled):
        seconds = max(1, int(getattr(error, "wait", None) or 1))
        sentence = f"That was faster than is allowed here. Wait {seconds} s, then go on more slowly."
        return "too_many", sentence, (), _wait(seconds)
    if isinstance(error, OperationalError):
        log.warning("the database did not answer: %s", type(error).__name__)
        return "unavailable", "The database did not answer in time. Try again in a moment.", (), _wait(2)
    for kind, code, sentence in _FRAMEWORK:
        if isinstance(error, kind):
            challenge = getattr(error, "auth_header", None)
            headers = {"WWW-Authenticate": challenge} if challenge else getattr(error, "headers", {})
            problems = getattr(error, "problems", ())
            return code, sentence or str(getattr(error, "detail", "")), problems, headers
    return "broken", _BROKEN, (), {}


def _wait(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def flatten(detail: object, field: str = "") -> Iterator[Problem]:
    """The framework's tree of errors → one problem per leaf, with paths like `targets[0]`.

    A message may hold its fix after a line break (see panel.api.fields).
    """
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if isinstance(name, int):
                yield from flatten(inner, f"{field}[{name}]")
            elif name == "non_field_errors":
                yield from flatten(inner, field)
            else:
                yield from flatten(inner, f"{field}.{name}" if field else str(name))
    elif isinstance(detail, list | tuple):
        nested = any(isinstance(each, Mapping | list) for each in detail)
        for index, inner in enumerate(detail):
            if inner:
                yield from flatten(inner, f"{field}[{index}]" if nested else field)
    else:
        sentence, _, fix = str(detail).partition("\n")
        code = getattr(detail, "code", "")
        yield Problem(field, sentence, fix or _FIXES.get(code, _READ_THE_REFERENCE))
