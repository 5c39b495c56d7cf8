"""What can go wrong, as values with the code that the command ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DONE = 0
REFUSED = 1
USAGE = 2
NOT_SIGNED_IN = 3
ABSENT = 4
CONFLICT = 5
UNREACHABLE = 6
NOT_PROVED = 7

CODES = {
    DONE: "done; with --wait, also proved",
    REFUSED: "the server refused what was sent; it says which field, why, and the fix",
    USAGE: "the command line itself is wrong; nothing was sent",
    NOT_SIGNED_IN: "the token is missing, wrong, or may not do this (401, 403)",
    ABSENT: "there is no such thing, or not for this token (404)",
    CONFLICT: "something else stands in the way, such as a change by somebody else (409, 412, 422)",
    UNREACHABLE: "the server cannot be reached, is busy, or failed; asking again may help",
    NOT_PROVED: "--wait ended before the proof came; the change is accepted all the same",
}
_BY_STATUS = {
    401: NOT_SIGNED_IN,
    403: NOT_SIGNED_IN,
    404: ABSENT,
    409: CONFLICT,
    412: CONFLICT,
    422: CONFLICT,
}


class Failure(Exception):
    """Ends the command: `code` is its exit code, the message is for a person."""

    code = REFUSED

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class Usage(Failure):
    code = USAGE


class Refused(Failure):
    """The server's answer, as its problem document says it (RFC 9457)."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        title = str(document.get("detail") or document.get("title") or f"The server answered {status}.")
        super().__init__(title, code_of(status))
        self.status = status
        self.document = document

    @property
    def problems(self) -> Sequence[Mapping[str, Any]]:
        found = self.document.get("problems")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def code_of(status: int) -> int:
    return UNREACHABLE if status == 429 or status >= 500 else _BY_STATUS.get(status, REFUSED)
