"""Finding addresses and requests in a list of any length: what is asked is what an index answers."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet

from tenants.bounded import MOST_COUNTED, begins_with, first_of_each
from tenants.models import AddressRequest, Domain, Mailbox, TargetAddress


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


def matching_requests(
    requests: QuerySet[AddressRequest], words: str, domains: Sequence[int]
) -> QuerySet[AddressRequest]:
    """Requests whose name or target begins with `words`, of each the first thousand that are found;
    “ada@example.org” finds ada there, too. All of them are of `domains`, or of any where that is empty."""
    if not words:
        return requests
    rows = AddressRequest.objects.filter(domain__in=domains) if domains else AddressRequest.objects.all()
    wanted = [begins_with("local_part", words.lower())]
    wanted += [begins_with("target", each) for each in sorted({words, words.lower()})]
    local_part, at, host = words.lower().rpartition("@")
    found = [rows.filter(each).order_by() for each in wanted]
    if at:
        found.append(rows.filter(local_part=local_part, domain__name=host).order_by())
    return requests.filter(pk__in=first_of_each(found, MOST_COUNTED))
