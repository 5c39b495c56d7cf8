"""What surrounds every page: where one can go, what waits, which organization, and whether all is watched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from panel.web import sentences, times
from panel.web.standing import decidable_requests
from tenants import access
from tenants.actor import Actor
from tenants.bounded import count
from tenants.models import Account, Domain, DomainRole, Membership, Organization, SyncTarget

SESSION_KEY = "organization"
MOST_ORGANIZATIONS = 100
MOST_UNREAD = 99

_NAV = (
    ("Overview", "overview"),
    ("Domains", "domains"),
    ("Requests", "requests"),
    ("Activity", "activity"),
    ("Hosts", "hosts"),
)
# Which entry is the current one, by the first word of a page's name.
_HOME_OF = {
    "overview": "Overview",
    **dict.fromkeys(
        ("domain", "domains", "address", "addresses", "alias", "trash", "repository", "findings", "mail"),
        "Domains",
    ),
    **dict.fromkeys(("request", "requests"), "Requests"),
    **dict.fromkeys(("host", "hosts", "image", "images", "unikernel", "unikernels"), "Hosts"),
    **dict.fromkeys(("activity", "event", "run", "runs"), "Activity"),
    **dict.fromkeys(("organization", "organizations", "member", "webhook", "webhooks"), "Settings"),
}


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor. Lazy: a fragment that shows no frame costs no query."""
    return {"frame": SimpleLazyObject(lambda: _build(request))}


def organizations_of(request: HttpRequest) -> list[Organization]:
    """The organizations that this person may look at, read once per request."""
    found: list[Organization] | None = getattr(request, "_organizations", None)
    if found is None:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        found = list(access.visible_to(actor, Organization).order_by("name")[:MOST_ORGANIZATIONS])
        request._organizations = found  # type: ignore[attr-defined]
    return found


def chosen_organization(request: HttpRequest) -> Organization | None:
    """The one that lists are narrowed to: the only one, or the one chosen; None shows all."""
    organizations = organizations_of(request)
    if len(organizations) == 1:
        return organizations[0]
    wanted = request.session.get(SESSION_KEY)
    found = next((each for each in organizations if each.pk == wanted), None)
    if found is None and wanted and len(organizations) == MOST_ORGANIZATIONS:
        return access.visible_to(request.actor, Organization).filter(pk=wanted).first()  # type: ignore[attr-defined]
    return found


def roles_of(request: HttpRequest) -> dict[int, access.Role]:
    """This person's role per organization, read once per request; operators need none."""
    found: dict[int, access.Role] | None = getattr(request, "_roles", None)
    if found is None:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        mine = access.visible_to(actor, Membership).filter(account=actor.account)
        found = {pk: access.Role(role) for pk, role in mine.values_list("organization_id", "role")}
        request._roles = found  # type: ignore[attr-defined]
    return found


def shows(
    request: HttpRequest,
    verb: access.Verb,
    kind: access.Kind,
    organization_id: int,
    *,
    domain_id: int | None = None,
) -> bool:
    """Is a control worth showing? One query for a whole list; actions decide again when it is used.

    Roles on a domain count on the pages of that domain, or where `domain_id` names it.
    """
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.is_operator:
        return True
    if verb is not access.Verb.VIEW and any(
        each.pk == organization_id and each.suspended_at for each in organizations_of(request)
    ):
        return False
    roles = {roles_of(request).get(organization_id, access.Role.STRANGER)}
    match = request.resolver_match
    name = str(match.kwargs.get("domain", "")) if match else ""
    roles |= {
        access.Role(each.role)
        for each in domain_roles_of(request)
        if each.domain.organization_id == organization_id
        and (each.domain_id == domain_id if domain_id is not None else each.domain.name == name.lower())
    }
    return any(verb in access.TABLE[role].get(kind, frozenset()) for role in roles)


def domain_roles_of(request: HttpRequest) -> list[DomainRole]:
    """This person's roles on domains, read once per request."""
    found: list[DomainRole] | None = getattr(request, "_domain_roles", None)
    if found is None:
        found = list(access.domain_roles_of(request.actor).select_related("domain"))  # type: ignore[attr-defined]
        request._domain_roles = found  # type: ignore[attr-defined]
    return found


def narrowed(request: HttpRequest, rows: QuerySet[Any], path: str) -> QuerySet[Any]:
    """`rows`, only those of the chosen organization when there is one; `path` leads to its id."""
    organization = chosen_organization(request)
    return rows if organization is None else rows.filter(**{path: organization.pk})


def offer_undo(request: HttpRequest, sentence: str, url: str) -> None:
    """Show “Undo” above the heading of this page; `url` takes a POST without fields."""
    request._undo = {"sentence": sentence, "url": url}  # type: ignore[attr-defined]


def _build(request: HttpRequest) -> dict[str, Any]:
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None or actor.account is None:
        return {"layout": "public.html", "home_url": reverse("sign-in"), "nav": [], "organizations": []}
    now = timezone.now()
    organizations = organizations_of(request)
    common: dict[str, Any] = {
        "layout": "frame.html",
        "account": _account(actor.account),
        "notices": _notices(actor.account),
        "undo": getattr(request, "_undo", None),
        "suspended": _suspended(request, organizations),
        "organizations": [],
    }
    if not organizations and not actor.is_operator:
        return {**common, "home_url": reverse("own-addresses"), "nav": _own_nav(request)}
    chosen = chosen_organization(request)
    return {
        **common,
        "home_url": reverse("overview"),
        "nav": _nav(request, actor, organizations, chosen),
        "organizations": _switcher(organizations, chosen),
        "organization": {"name": chosen.name if chosen else "All organizations"} if organizations else None,
        "search_url": reverse("search"),
        "pulse": _pulse(request, now),
    }


def _suspended(request: HttpRequest, organizations: list[Organization]) -> list[Organization]:
    """Those of this person that the page may be about; for operators, the one that it is about."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not organizations:
        # Asked apart: PostgreSQL would rather read every address of all suspended organizations' domains.
        domains = list(access.held_mailboxes(actor).values_list("domain_id", flat=True).distinct())
        return list(
            Organization.objects.filter(domains__in=domains, suspended_at__isnull=False).distinct()[:5]
        )
    match = request.resolver_match
    there = match.kwargs if match else {}
    rows = [each for each in organizations if each.suspended_at is not None]
    if "organization_id" in there:
        return [each for each in rows if each.pk == there["organization_id"]]
    if rows and "domain" in there:
        home = Domain.objects.filter(name=str(there["domain"]).lower())
        around = home.values_list("organization_id", flat=True).first()
        return [each for each in rows if each.pk == around]
    chosen = chosen_organization(request)
    if chosen is not None:
        return [each for each in rows if each.pk == chosen.pk]
    return [] if actor.is_operator else rows[:5]


def _own_nav(request: HttpRequest) -> list[dict[str, Any]]:
    """For somebody who runs nothing here."""
    name = request.resolver_match.url_name or "" if request.resolver_match else ""
    at_account = name.partition("-")[0] in {"account", "notices"}
    return [
        {
            "label": "Your addresses",
            "icon": "addresses",
            "url": reverse("own-addresses"),
            "current": not at_account,
        },
        {"label": "Your account", "icon": "person", "url": reverse("account"), "current": at_account},
    ]


def _account(account: Account) -> dict[str, str]:
    name = str(account)
    words = name.replace("@", " ").replace(".", " ").split()
    return {
        "name": name,
        "initials": "".join(word[0] for word in words[:2]).upper(),
        "url": reverse("account"),
        "sign_out_url": reverse("sign-out"),
    }


def _notices(account: Account) -> dict[str, str]:
    """The bell: one count that an index of unread ones answers, and that stops at a hundred."""
    unread = count(account.notices.filter(read_at=None), MOST_UNREAD)
    words = f"{MOST_UNREAD}+" if unread > MOST_UNREAD else str(unread or "")
    return {"url": reverse("notices"), "unread": words}


def _nav(
    request: HttpRequest, actor: Actor, organizations: list[Organization], chosen: Organization | None
) -> list[dict[str, Any]]:
    match = request.resolver_match
    current = _HOME_OF.get((match.url_name or "").partition("-")[0] if match else "")
    waiting = count(narrowed(request, decidable_requests(actor), "domain__organization_id"))
    words = sentences.counted_in_words(waiting) if waiting else ""
    one = chosen or (organizations[0] if len(organizations) == 1 else None)
    settings_url = (
        reverse("organization", kwargs={"organization_id": one.pk}) if one else reverse("organizations")
    )
    items: list[dict[str, Any]] = [
        {"label": label, "icon": name, "url": reverse(name), "count": words if name == "requests" else ""}
        for label, name in _NAV
    ]
    items.append({"label": "Settings", "icon": "settings", "url": settings_url, "count": ""})
    for item in items:
        item["current"] = item["label"] == current
    return items


def _switcher(organizations: list[Organization], chosen: Organization | None) -> list[dict[str, Any]]:
    if len(organizations) < 2:
        return []
    everything = {"id": "", "name": "All organizations", "current": chosen is None}
    return [
        everything,
        *(
            {"id": each.pk, "name": each.name, "current": chosen is not None and chosen.pk == each.pk}
            for each in organizations
        ),
    ]


def _pulse(request: HttpRequest, now: datetime) -> dict[str, str] | None:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    seen = narrowed(request, access.visible_to(actor, SyncTarget), "organization_id").aggregate(
        total=Count("pk"),
        stopped=Count("pk", filter=~Q(stop_code="")),
        failing=Count("pk", filter=Q(failures__gt=0)),
        oldest=Min("checked_at"),
        never=Count("pk", filter=Q(checked_at=None)),
    )
    return pulse(now=now, **seen)


def pulse(
    *, now: datetime, total: int, stopped: int, failing: int, oldest: datetime | None, never: int
) -> dict[str, str] | None:
    """Whether everything is watched, for the foot of the rail: {state, sentence}; None without targets."""
    if not total:
        return None
    if stopped:
        which = f"{stopped} of {total} places" if total > 1 else "What is connected"
        return {"state": "todo", "sentence": f"{which} need{'s' * (stopped == 1)} you"}
    if failing:
        which = f"{failing} of {total} places" if total > 1 else "What is connected"
        return {"state": "wait", "sentence": f"{which} cannot be reached"}
    if oldest is None or never:
        return {"state": "wait", "sentence": "The first look is on its way"}
    late = max(timedelta(seconds=3 * settings.CHECK_SECONDS), timedelta(minutes=5))
    if now - oldest > late:
        return {
            "state": "todo",
            "sentence": f"Nobody looked since {times.clock(oldest, now)}. Is the worker running?",
        }
    return {"state": "ok", "sentence": f"All is watched; last look {times.ago(oldest, now)}"}
