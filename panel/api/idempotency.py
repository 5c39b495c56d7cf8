"""`Idempotency-Key`: a write asked twice is done once, and answered the same (see tenants.answers)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.body import SentFile
from panel.api.errors import AnswerWith, KeyReused
from tenants import answers
from tenants.errors import Invalid
from tenants.models import Account, ApiToken, StoredAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
WITHHELD = "Rookery-Withheld"
_KEPT = ("Location", "ETag", "Link")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def question_of(request: Request) -> answers.Question | None:
    """What is asked under the request's key; nothing where there is none. Raises Invalid for no key."""
    key = request.headers.get(HEADER)
    if key is None or not isinstance(request.user, Account):
        return None
    if not _KEY.fullmatch(key):
        raise Invalid.of(
            HEADER,
            "A key has 1 to 200 visible ASCII characters, without spaces.",
            "Send a random one, such as a UUID.",
        )
    token = request.auth if isinstance(request.auth, ApiToken) else None
    return answers.Question(account=request.user, token=token, key=key, fingerprint=_fingerprint_of(request))


def _fingerprint_of(request: Request) -> str:
    """Of all that says what is asked. Keyed, since a body may hold the hash of a passphrase."""
    data: Any = request.data
    asked = [
        request.method,
        request.path,
        sorted(request.query_params.items()),
        request.headers.get("If-Match"),
        data.sha256 if isinstance(data, SentFile) else data,
    ]
    said = msgspec.json.encode(asked, order="sorted")
    return salted_hmac("rookery.idempotency", said, algorithm="sha256").hexdigest()


def replay(question: answers.Question, kept: StoredAnswer) -> Response:
    """The same answer once more; raises KeyReused when it was to another request."""
    if kept.fingerprint != question.fingerprint:
        raise KeyReused
    data = msgspec.json.decode(kept.body) if kept.body else None
    return Response(data, status=kept.status, headers={**kept.headers, REPLAYED: "true"})


def replay_if_known(question: answers.Question) -> None:
    """Raises AnswerWith with the kept answer when this was asked before."""
    kept = answers.find(question)
    if kept is not None:
        raise AnswerWith(replay(question, kept))


def keep(row: StoredAnswer, answer: Response, shown_once: Collection[str]) -> None:
    """Keep an answer, without what is shown once."""
    data: Any = answer.data
    headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    withheld = sorted(set(shown_once) & set(data)) if isinstance(data, dict) else []
    if withheld:
        data = {**data, **dict.fromkeys(withheld)}
        headers[WITHHELD] = ", ".join(withheld)
    body = "" if data is None else msgspec.json.encode(data, enc_hook=str).decode()
    answers.keep(row, status=answer.status_code, body=body, headers=headers)
