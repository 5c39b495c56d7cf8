"""What every viewset of the API has: an actor, strict queries and bodies, dry runs, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, cast

from django.db.models import QuerySet
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from panel.api.authentication import actor_of
from panel.api.body import JSONParser, JSONRenderer
from panel.api.fields import Nothing, PageQuery, Shape, WriteQuery
from panel.api.pagination import CursorPagination
from panel.api.schema import Schema
from panel.fresh import is_fresh
from tenants.dryrun import rehearsal
from tenants.errors import Forbidden, Invalid

T = TypeVar("T")

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
    (otherwise lists take pages, writes take `dry_run`, and others nothing).
    """

    noun: ClassVar[str]
    tag: ClassVar[str]
    plural: ClassVar[str] = ""
    queries: ClassVar[Mapping[str, type[Shape]]] = {}
    ordering: ClassVar[str] = "pk"

    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]
    permission_classes = [IsAuthenticated, TokenMayWrite]
    pagination_class = CursorPagination
    metadata_class = None
    format_kwarg = None
    schema = Schema()

    given: dict[str, Any]

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
        shape = self.query_shape(request.method or "", self.action)
        self.given = checked(shape, _once_each(request))

    @classmethod
    def query_shape(cls, method: str, action: str | None) -> type[Shape]:
        """Which query parameters an action takes."""
        if action is not None and action in cls.queries:
            return cls.queries[action]
        if action == "list":
            return PageQuery
        return Nothing if action is None or method in SAFE_METHODS else WriteQuery

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

    def act(
        self,
        do: Callable[[], T],
        show: Callable[[T], Any],
        *,
        status: int = 200,
        location: Callable[[T], str] | None = None,
    ) -> Response:
        """Call an action and answer with what `show` makes of its result; in a dry run, as if."""
        with rehearsal(self.dry):
            done = do()
            shown = show(done)
        if self.dry:
            return Response(shown, headers={DRY_RUN_HEADER: "true"})
        headers = {"Location": location(done)} if location else {}
        return Response(None if status == 204 else shown, status=status, headers=headers)

    def page(self, rows: QuerySet[Any], show: Callable[[Sequence[Any]], list[Any]]) -> Response:
        """One page of `rows`, each made into plain values by `show`."""
        return self.get_paginated_response(show(self.paginate_queryset(rows) or []))


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
