"""Finding addresses in a list of any length: what is asked is what an index answers."""

from __future__ import annotations

from django.db.models import QuerySet

from tenants.bounded import MOST_COUNTED, begins_with
from tenants.models import Domain, Mailbox, TargetAddress


def matching(mailboxes: QuerySet[Mailbox], domain: Domain, words: str) -> QuerySet[Mailbox]:
    """Addresses of `domain` whose local part begins with `words`; with an @ in it, those whose mail goes to
    exactly that address (the first thousand).

    “ada@example.org” finds ada in example.org: people type what they see.
    """
    words = words.removesuffix(f"@{domain.name}")
    if "@" not in words:
        return mailboxes.filter(begins_with("local_part", words.lower()))
    served = TargetAddress.objects.filter(address__in={words, words.lower()}, mailbox__domain=domain)
    return mailboxes.filter(pk__in=list(served.values_list("mailbox", flat=True)[:MOST_COUNTED]))
