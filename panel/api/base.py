"""What every viewset of the API has: an actor, strict queries and bodies, dry runs, pages, entity tags,
idempotency keys and waiting for the proof. A new operation gets all of it by `act` and `subject`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar, TypeVar, cast

from django.db import transaction
from django.db.models import QuerySet
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from panel.api import etags, idempotency
from panel.api.authentication import actor_of
from panel.api.body import JSONParser, JSONRenderer
from panel.api.etags import Subject
from panel.api.fields import DryRunQuery, Nothing, PageQuery, Shape, WriteQuery, with_order
from panel.api.pagination import CursorPagination
from panel.api.schema import Schema
from panel.api.waiting import OBSERVED_HEADER, Marks, change_url, wait_for
from panel.fresh import is_fresh
from tenants import access, answers, outbox
from tenants.dryrun import rehearsal
from tenants.errors import Forbidden, Invalid, Problem
from tenants.factors import require_enough_factors
from tenants.models import Organization, StoredAnswer

T = TypeVar("T")

# SQLite joins at most 500 questions to one.
MOST_PARTS = 400
DRY_RUN_HEADER = "Rookery-Dry-Run"


class TokenMayWrite(BasePermission):
    """A token that may only read is told so at the door, whatever it wants to write."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if actor_of(request).read_only and request.method not in SAFE_METHODS:
            raise Forbidden("This token may only read. Use one that may write.")
        return True


class ApiView(GenericViewSet[Any]):
    """Base of all viewsets.

    `noun`, `plural` and `tag` name the operations; `queries` says which parameters each action takes
    (otherwise lists take pages, writes take `dry_run` and `wait`, and others nothing). `orders` are those of
    its lists, the usual one first (see panel.api.pagination). `reported` names the fields of its body that
    change without anybody asking (see panel.api.etags), `shown_once` those that no kept answer may hold.
    `keyed` says whether writes take an idempotency key: that needs an account. `fleeting` names the actions
    that read what is never the same twice: it has no tag. `without_factor` names those for whoever has yet
    to set up a second factor that they must have.
    """

    noun: ClassVar[str]
    tag: ClassVar[str]
    plural: ClassVar[str] = ""
    queries: ClassVar[Mapping[str, type[Shape]]] = {}
    orders: Mapping[str, tuple[str, ...]] = {"id": ("pk",), "-id": ("-pk",)}
    reported: ClassVar[frozenset[str]] = frozenset()
    shown_once: ClassVar[frozenset[str]] = frozenset()
    keyed: ClassVar[bool] = True
    fleeting: ClassVar[frozenset[str]] = frozenset()
    without_factor: ClassVar[frozenset[str]] = frozenset()

    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]
    permission_classes = [IsAuthenticated, TokenMayWrite]
    pagination_class = CursorPagination
    metadata_class = None
    format_kwarg = None
    schema = Schema()

    given: dict[str, Any]
    _unless: list[str] | None = None
    _wanted: list[str] | None = None
    _question: answers.Question | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        # While somebody only looks, nobody's rank is asked for twice.
        with access.asking_once() if request.method in SAFE_METHODS else nullcontext():
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """As the framework's, but everybody is throttled, also who fails to sign in."""
        negotiated = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = negotiated
        request.version, request.versioning_scheme = self.determine_version(request, *args, **kwargs)
        try:
            self.perform_authentication(request)
        except APIException:
            self.check_throttles(request)
            raise
        self.actor = actor_of(request)
        request._request.actor = self.actor  # type: ignore[attr-defined]
        self.check_throttles(request)
        self.check_permissions(request)
        if self.actor.account is not None and self.action not in self.without_factor:
            require_enough_factors(self.actor.account)
        shape = self.query_shape(request.method or "", self.action)
        self.given = checked(shape, _once_each(request))
        self._read_headers(request)

    def _read_headers(self, request: Request) -> None:
        """Keys and conditions; one that means nothing here is refused, not ignored."""
        reads = request.method in SAFE_METHODS
        takes = {
            "If-Match": not reads and self.takes_if_match(self.kwargs),
            "If-None-Match": reads and self.action not in self.fleeting,
            idempotency.HEADER: not reads and self.keyed,
        }
        problems = [
            Problem(name, "This header means nothing here.", "Leave it out.")
            for name, is_taken in takes.items()
            if name in request.headers and not is_taken
        ]
        if problems:
            raise Invalid(problems)
        self._unless = etags.read_tags(request, "If-None-Match")
        self._wanted = etags.read_tags(request, "If-Match")
        question = None if reads else idempotency.question_of(request)
        self._question = None if self.dry else question
        if self._question is not None:
            idempotency.replay_if_known(self._question)

    @classmethod
    def query_shape(cls, method: str, action: str | None) -> type[Shape]:
        """Which query parameters an action takes."""
        if action == "list":
            return with_order(cls.queries.get("list", PageQuery), tuple(cls.orders))
        if action is not None and action in cls.queries:
            return cls.queries[action]
        if action is None or method in SAFE_METHODS:
            return Nothing
        # Waiting holds a thread: strangers may not.
        return WriteQuery if cls.keyed else DryRunQuery

    def require_fresh(self) -> None:
        """What a browser's session alone is not enough for; a token was given for just that."""
        if self.request.auth is None and not is_fresh(self.request._request.session):
            raise Forbidden(
                "You signed in a while ago. For this, sign in again in the panel, or use a token."
            )

    def body(self, shape: type[Shape]) -> dict[str, Any]:
        """The request's JSON, as far as its shape goes; raises for the rest."""
        return checked(shape, self.request.data)

    @property
    def dry(self) -> bool:
        return bool(self.given.get("dry_run"))

    @property
    def in_bulk(self) -> bool:
        """Is this one of several operations of a request? That one is kept, waited for and taken back."""
        return bool(getattr(self.request._request, "in_bulk", False))

    def check_throttles(self, request: Request) -> None:
        if not self.in_bulk:
            super().check_throttles(request)

    # Conditions ---------------------------------------------------------------------------------------------

    def subject(self, *args: Any, **place: Any) -> Subject:
        """What an address with these variables names; views of single things say it."""
        raise NotImplementedError

    @classmethod
    def takes_if_match(cls, variables: Iterable[str]) -> bool:
        """Do these variables of an address name a subject?"""
        names = cls._names_of_subject()
        return names is not None and names <= set(variables)

    @classmethod
    def _names_of_subject(cls) -> set[str] | None:
        if cls.subject is ApiView.subject:
            return None
        return set(inspect.signature(cls.subject).parameters) - {"self"}

    def _subject(self) -> Subject:
        names = self._names_of_subject() or set()
        return self.subject(**{name: self.kwargs[name] for name in names})

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Single things carry their tag, and are not sent to who has them already."""
        action = getattr(self, "action", None)
        reads = request.method in {"GET", "HEAD"} and action not in {"list", *self.fleeting}
        data = getattr(response, "data", None)
        if reads and response.status_code == 200 and isinstance(data, dict):
            tag = etags.tag_of(data, self.reported)
            if etags.is_known(self._unless, tag):
                response = Response(status=304)
            response["ETag"] = tag
        return super().finalize_response(request, response, *args, **kwargs)

    # Writing ------------------------------------------------------------------------------------------------

    def act(
        self,
        do: Callable[[], T],
        show: Callable[[T], Any],
        *,
        status: int = 200,
        location: Callable[[T], str] | None = None,
        tagged: bool | None = None,
    ) -> Response:
        """Call an action and answer with what `show` makes of its result; in a dry run, as if.

        `tagged` says whether that is the body which reading answers; by default where there is a subject.
        Afterwards it waits for the proof, when that was asked.
        """
        if tagged is None:
            tagged = self.takes_if_match(self.kwargs)
        if self.dry:
            with rehearsal(not self.in_bulk):
                self._require_unchanged()
                shown = show(do())
            return Response(shown, headers={DRY_RUN_HEADER: "true"})
        try:
            with outbox.noting() as marks, self._one_transaction() as kept:
                self._require_unchanged()
                done = do()
                answer = self._answer(show(done), status, tagged)
                if location is not None:
                    answer["Location"] = location(done)
                if marks and self.actor.account is not None and not self.in_bulk:
                    answer["Link"] = f'<{change_url(self.actor, marks)}>; rel="monitor"'
                if kept is not None:
                    idempotency.keep(kept, answer, self.shown_once)
        except answers.Answered as used:
            return idempotency.replay(cast(answers.Question, self._question), used.answer)
        return answer if self.in_bulk else self._wait(answer, marks, lambda: show(done), tagged)

    @contextmanager
    def _one_transaction(self) -> Iterator[StoredAnswer | None]:
        """Around a write that has a condition or a key; others need no more than the action's own."""
        if self._question is None and self._wanted is None:
            yield None
            return
        with transaction.atomic():
            yield None if self._question is None else answers.claim(self._question)

    def _require_unchanged(self) -> None:
        if self._wanted is not None:
            etags.require_unchanged(self._wanted, self._subject(), self.reported)

    def _answer(self, shown: Any, status: int, tagged: bool) -> Response:
        answer = Response(None if status == 204 else shown, status=status)
        if tagged and status != 204:
            answer["ETag"] = etags.tag_of(shown, self.reported)
        return answer

    def _wait(self, answer: Response, marks: Marks, show: Callable[[], Any], tagged: bool) -> Response:
        """The answer as it is after waiting for the proof, when that was asked."""
        seconds = self.given.get("wait")
        if seconds is None:
            return answer
        progress = wait_for(marks, seconds)
        if marks and answer.status_code != 204:
            answer.data = self._subject().show() if self.takes_if_match(self.kwargs) and tagged else show()
            if tagged:
                answer["ETag"] = etags.tag_of(answer.data, self.reported)
        answer[OBSERVED_HEADER] = "true" if progress.is_observed else "false"
        return answer

    def page(
        self,
        rows: QuerySet[Any],
        show: Callable[[Sequence[Any]], list[Any]],
        parts: Sequence[QuerySet[Any]] = (),
    ) -> Response:
        """One page of `rows`, each made into plain values by `show`.

        `parts` are the same rows in pieces of which an index has each in order (see tenants.bounded).
        """
        pages = CursorPagination()
        return pages.get_paginated_response(show(pages.paginate_queryset(rows, self.request, self, parts)))

    def by_organization(self, rows: QuerySet[Any]) -> list[QuerySet[Any]]:
        """`rows` of people in several organizations, in pieces; those who see everything need none."""
        if self.actor.is_operator or "organization" in self.given:
            return []
        mine = access.visible_to(self.actor, Organization).values_list("pk", flat=True)[: MOST_PARTS + 1]
        return [rows.filter(organization=each) for each in mine] if len(mine) <= MOST_PARTS else []


def _once_each(request: Request) -> dict[str, str]:
    """The query, refused where a name comes twice: which of two answers counts must not be a guess."""
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise Invalid.of(name[:100], "This is given twice.", "Give it once.")
    return {name: request.query_params[name] for name in request.query_params}


def checked(shape: type[Shape], data: Any) -> dict[str, Any]:
    serializer = shape(data=data)
    serializer.is_valid(raise_exception=True)
    return cast(dict[str, Any], serializer.validated_data)
