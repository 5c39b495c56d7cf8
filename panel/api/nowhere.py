"""Every address under the API that is none: the usual problem, and a word about the slash at the end."""

from __future__ import annotations

from typing import Any, NoReturn

from django.urls import Resolver404, resolve
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from panel.api.base import ApiView
from tenants.errors import Absent


class Nowhere(ApiView):
    noun, tag = "nothing", "Nothing"
    authentication_classes = []
    permission_classes = []
    schema = None  # type: ignore[assignment]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        negotiated = self.perform_content_negotiation(request, force=True)
        request.accepted_renderer, request.accepted_media_type = negotiated
        self.check_throttles(request)
        if not request.path.endswith("/") and _is_somewhere(f"{request.path}/"):
            raise NotFound("Addresses of the API end with a slash. Ask again with one at the end.")
        raise Absent

    def nothing(self, request: Request) -> NoReturn:
        raise Absent


def _is_somewhere(path: str) -> bool:
    try:
        return resolve(path).url_name != "nowhere"
    except Resolver404:
        return False
