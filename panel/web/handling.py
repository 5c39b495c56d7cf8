"""How pages call actions: one place turns what an action refuses into what a person sees."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from tenants import access
from tenants.actor import Actor
from tenants.errors import Absent, ActionError, Conflict, Forbidden, Invalid, TooMany

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def actor_of(request: HttpRequest) -> Actor:
    """The actor that the middleware found for this request."""
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def page(
    *,
    signed_in: bool = True,
    methods: tuple[str, ...] = ("GET", "HEAD"),
    without_factor: bool = False,
) -> Callable[[View[P]], View[P]]:
    """A page: its methods, whether it needs a sign-in, and refusals of actions as pages.

    `without_factor`: also for whoever has yet to set up a second factor that they must have.

    Absent becomes 404, Forbidden 403, Conflict 409, TooMany 429 with Retry-After.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in methods:
                return _answer(request, 405, "This page cannot be used that way.", Allow=", ".join(methods))
            if signed_in and actor_of(request).account is None:
                return _to_sign_in(request)
            # Looking changes nobody's rank, so it is looked up once.
            once = access.asking_once() if request.method in {"GET", "HEAD"} else nullcontext()
            try:
                with once:
                    return view(request, *args, **kwargs)
            except ActionError as error:
                return _refused(request, error)

        wrapped.page_methods = methods  # type: ignore[attr-defined]
        wrapped.page_signed_in = signed_in  # type: ignore[attr-defined]
        wrapped.without_factor = without_factor or not signed_in  # type: ignore[attr-defined]
        return wrapped

    return decorate


def for_machines(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """What a machine reads, whoever may be signed in: nobody is led from it to setting something up."""
    view.without_factor = True  # type: ignore[attr-defined]
    return view


_STATUS = {Forbidden: 403, Invalid: 400, Conflict: 409, TooMany: 429}


def _refused(request: HttpRequest, error: ActionError) -> HttpResponse:
    if isinstance(error, Absent):
        raise Http404(error.sentence) from error
    headers = {"Retry_After": str(error.retry_after)} if isinstance(error, TooMany) else {}
    return _answer(request, _STATUS.get(type(error), 400), error.sentence, **headers)


def _answer(request: HttpRequest, status: int, sentence: str, **headers: str) -> HttpResponse:
    response = render(request, "errors/refusal.html", {"status": status, "sentence": sentence}, status=status)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    query = urlencode({"next": request.get_full_path()}) if request.method in {"GET", "HEAD"} else ""
    return redirect(f"{reverse('sign-in')}?{query}" if query else reverse("sign-in"))


def tell(request: HttpRequest, sentence: str) -> None:
    """A calm line at the top of the next page."""
    messages.success(request, sentence)


def refuse(request: HttpRequest, error: ActionError) -> None:
    """The same for something that was not done."""
    messages.error(request, error.sentence)


def next_url(request: HttpRequest, default: str) -> str:
    """Where to go on to: only an address of this panel."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_ours(request, wanted) else default


def is_ours(request: HttpRequest, wanted: str) -> bool:
    """Whether an address that somebody hands in is one of this panel; a name of a route is none."""
    hosts = {request.get_host()}
    return "/" in wanted and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts=hosts, require_https=request.is_secure()
    )
