"""What stands above the phases of a mail stack and leads on. Pure: a stack in, a banner out."""

from __future__ import annotations

from django.urls import reverse

from tenants.models import Stack


def relay_note(thing: Stack) -> dict[str, str] | None:
    """What the page of the stack says of port 25; nothing where there is nothing to decide."""
    roles = thing.release.labels if thing.release is not None else {}
    if "verifier" not in roles or thing.wanted == Stack.Wanted.REMOVED:
        return None
    url = reverse("open-relay", kwargs={"domain": thing.domain.name})
    if thing.open_relay:
        return {
            "state": "",
            "word": "Decided",
            "title": "Port 25 is open for any recipient",
            "sentence": "Its receiver takes mail for anybody and the relay delivers it. Somebody decided so.",
            "url": url,
            "button": "Why, and how to close it",
        }
    return {
        "state": "needs",
        "word": "Needs a decision",
        "title": "No mail comes in: port 25 is closed",
        "sentence": "Its receiver takes mail for any recipient and the relay delivers it, so spammers would"
        " use it. Put a guard in front, or decide that it may be open.",
        "url": url,
        "button": "Decide about port 25",
    }
