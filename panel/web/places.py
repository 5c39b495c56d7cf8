"""Where a sync target is: its name and its page, whatever kind it is."""

from __future__ import annotations

from django.urls import reverse

from tenants.models import Firewall, HostShare, Repository, Stack, SyncTarget, UpdateServer


def place_url(target: SyncTarget) -> str:
    """The page of what is kept in agreement; empty where there is none."""
    if target.host_share_id is not None:
        return reverse("host", kwargs={"share_id": target.host_share_id})
    if target.firewall is not None:
        host = target.firewall.host
        own = HostShare.objects.filter(host=host, organization=host.organization_id).first()
        return reverse("host-firewall", kwargs={"share_id": own.pk}) if own is not None else ""
    repository = target.repository
    domain = repository.domain if repository is not None else None
    return reverse("repository", kwargs={"domain": domain.name}) if domain is not None else ""


def place_label(target: SyncTarget) -> str:
    """What people call it."""
    place = target.place
    if isinstance(place, Repository):
        return f"{place.short_name}, branch {place.branch}"
    if isinstance(place, HostShare):
        return f"{place.host}, path {place.path}"
    if isinstance(place, UpdateServer):
        return f"{place}, {place.where}"
    return str(place) if place is not None else ""


def keys_of(target: SyncTarget) -> tuple[str, str]:
    """The host's key: (pinned, shown last), as lines; empty where there is none."""
    place = target.place
    if isinstance(place, UpdateServer | Stack):
        return "", ""
    holder = place.host if isinstance(place, HostShare | Firewall) else place
    return (holder.host_key, holder.offered_host_key) if holder is not None else ("", "")
