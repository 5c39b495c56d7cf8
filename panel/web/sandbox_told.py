"""What the sandbox says about its albatross host; the panel reads its file and imports no worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from panel.web.fragments import shown_key
from tenants.models import Host
from tenants.sandbox_note import sandbox_note

_FORMS = {
    "ssh": ("host", "port", "username", "socket_folder", "name"),
    "tls": ("host", "port", "server_ca", "authority", "authority_key", "name"),
    "local": ("socket_folder", "name"),
}


def albatross_told() -> dict[str, Any] | None:
    """How to reach the sandbox's albatross in each of the three ways, and its images; None outside of it."""
    if not settings.SANDBOX:
        return None
    try:
        told = sandbox_note(262_144)["albatross"]
        forms = {
            way: {field: told["ways"][way][field] for field in fields if field in told["ways"][way]}
            for way, fields in _FORMS.items()
        }
        return {
            "release": str(told["release"]),
            "bridges": [str(each) for each in told["bridges"]],
            "host_key": shown_key(str(told["host_key"])),
            "images": [str(each) for each in told["images"]],
            "image_folders": sorted({str(Path(each).parent) for each in told["images"]}),
            "image_names": [Path(each).name for each in told["images"]],
            "forms": forms,
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_sandbox_host(host: Host) -> bool:
    """Is it the sandbox's own? It is no machine, so there is nothing to prepare."""
    told = albatross_told()
    known = [] if told is None else told["forms"].values()
    place = ("host", "port") if host.transport != Host.Transport.LOCAL else ("socket_folder",)
    return any(all(str(form.get(name, "")) == str(getattr(host, name)) for name in place) for form in known)
