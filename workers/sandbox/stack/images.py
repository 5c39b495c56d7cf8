"""The images that the sandbox's albatross knows as roles: two releases of each, of January 2023."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import Era, Role
from workers.sandbox.albatross.samples import sample

__all__ = ["ROLE_IMAGES", "role_of"]

RELEASES = ("", "-2")


def _images() -> Mapping[str, tuple[Role, Era, bytes]]:
    found = {}
    for role in ROLES.values():
        for release in RELEASES:
            name = f"{role.image.removesuffix('.hvt')}{release}.hvt"
            found[name] = (role, Era.P23, sample(name.encode(), ((role.device, "network"),)))
    return found


ROLE_IMAGES = _images()
"""By file name: role, generation, and the file."""
_DIGESTS = {hashlib.sha256(image).digest(): (role, era) for role, era, image in ROLE_IMAGES.values()}


def role_of(digest: bytes) -> tuple[Role, Era] | None:
    """The role and generation of an image with this SHA-256, or None: it is none of them."""
    return _DIGESTS.get(digest)
