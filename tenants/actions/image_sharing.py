"""Who else may run an image: everybody, or chosen organizations. What runs goes on when that ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from tenants import access
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.models import Image, Organization

MOST_CHOSEN = 200


@transaction.atomic
def share_image(
    *, actor: Actor, image: Image, shared: bool, organizations: Sequence[int] | None = None
) -> Image:
    """Let every organization run an image (`shared`), or besides its own exactly the chosen `organizations`,
    by their ids; None leaves those as they are.

    Its owner chooses among the organizations that the owner sees, operators among all. Who may not run it
    any more starts nothing of it anew; what runs already goes on. Raises Invalid.
    """
    access.require(actor, access.Verb.CHANGE, image)
    lock(image)
    before = _told(image)
    chosen = before["organizations"]
    if organizations is not None:
        chosen = sorted(set(organizations) - {image.organization_id})
        _check_chosen(actor, chosen, known=before["organizations"])
    after = {"image": image.pk, "shared": shared, "organizations": chosen}
    if after == before:
        return image
    image.shared = shared
    image.save(update_fields=["shared"])
    image.shared_with.set(chosen)
    record(
        actor,
        "share_image",
        image,
        f"The image {image} is now for {_whom(image, shared, len(chosen))}.",
        organization=image.organization,
        before=before,
        after=after,
    )
    return image


def _check_chosen(actor: Actor, chosen: list[int], known: list[int]) -> None:
    """Nobody learns here which organizations there are."""
    if len(chosen) > MOST_CHOSEN:
        said = f"More than {MOST_CHOSEN} organizations are chosen."
        raise Invalid.of("organizations", said, "Share it with all.")
    seen = access.visible_to(actor, Organization).filter(pk__in=chosen).values_list("pk", flat=True)
    if set(chosen) - set(seen) - set(known):
        said = "There is no such organization."
        raise Invalid.of("organizations", said, "Choose one that you see, or ask an operator to share it.")


def _told(image: Image) -> dict[str, Any]:
    chosen = sorted(image.shared_with.values_list("pk", flat=True))
    return {"image": image.pk, "shared": image.shared, "organizations": chosen}


def _whom(image: Image, shared: bool, others: int) -> str:
    if shared:
        return "every organization"
    if not others:
        return f"{image.organization} only"
    return f"{image.organization} and {others} other organization{'s' * (others != 1)}"


final("Change it back instead.", "share_image")
