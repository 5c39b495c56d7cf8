"""A zone as text that people take along: for other servers, for `nsupdate`, and as what Rookery does."""

from __future__ import annotations

from tenants.formats.zones.bind.exporting import export_bind
from tenants.formats.zones.commands import GitPlace, git_commands, nsupdate_commands
from tenants.models import Zone
from tenants.zone_contents import content_of

EXPORTS = {"bind": "zone", "nsupdate": "nsupdate", "git": "sh"}
"""The formats, and what a file of each is called after the domain's name and a dot."""


def exported_zone(zone: Zone, form: str) -> str:
    """Return the zone as it should be, with what others wrote as it was last seen; `form` is of EXPORTS."""
    content = content_of(zone)
    if form == "bind":
        return export_bind(content)
    repository = zone.target.repository
    primary = getattr(repository, "primary", None)
    address, port = (primary.address, primary.port) if primary is not None else ("127.0.0.1", 53)
    if form == "nsupdate":
        return nsupdate_commands(content, address, port)
    remote = repository.remote if repository is not None else ""
    return git_commands(content, GitPlace(remote, getattr(repository, "branch", "main"), address, port))
