"""A line of a list of addresses: who gets the mail, how it stands, and what can be done there at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet
from django.urls import reverse

from panel.web import sentences, times
from panel.web.standing import address_standing
from tenants.models import Delivery, Domain, Mailbox
from tenants.relay_states import RelayState

LISTED_DELIVERIES = 20
# A row that is on its way asks again this often, then it stops: reloading starts anew.
ROW_LOOKS = 30


@dataclass(frozen=True)
class AddressRow:
    """One line of the list, ready to be drawn: templates call nothing, and all is text (a number costs a
    template as much as ten texts)."""

    pk: str
    name: str
    host: str
    address: str
    url: str
    who: str
    state: sentences.State
    is_alias: bool
    note: str
    changed: times.Moment | None
    dot: str
    dot_word: str
    is_on: bool
    is_trashed: bool
    switch_url: str
    row_url: str


def address_row(
    mailbox: Mailbox, relay: RelayState, domain: Domain, now: datetime, look: int = 0
) -> AddressRow:
    """Of a mailbox whose targets were prefetched; `look` counts how often the row asked for itself."""
    at = {"domain": domain.name, "local_part": mailbox.local_part}
    standing = address_standing(mailbox, relay)
    state = standing.state
    dot, word = ("ok", "Observed") if standing.observed else (state.badge, state.word)
    asks_again = standing.moves and look < ROW_LOOKS
    return AddressRow(
        pk=str(mailbox.pk),
        name=mailbox.local_part,
        host=domain.name,
        address=f"{mailbox.local_part}@{domain.name}",
        url=reverse("address", kwargs=at),
        who=who_gets_it(mailbox),
        state=state,
        is_alias=mailbox.kind == Mailbox.Kind.ALIAS,
        note=mailbox.note,
        changed=times.moment(mailbox.changed_at, now),
        dot=dot,
        dot_word=word,
        is_on=mailbox.enabled,
        is_trashed=mailbox.trashed_at is not None,
        switch_url=reverse("address-switch", kwargs=at),
        row_url=f"{reverse('address-row', kwargs=at)}?look={look + 1}" if asks_again else "",
    )


def who_gets_it(mailbox: Mailbox) -> str:
    """“ada@home.example”, “ada and b@x.example”, “a@x.example and 3 others”; “nobody yet”.

    What an alias delivers to goes by its name here.
    """
    listed = vars(mailbox).get("listed_deliveries")
    if listed is None:
        listed = mailbox.deliveries.select_related("mailbox").order_by("pk")[:LISTED_DELIVERIES]
    rows = sorted(mailbox.targets.all(), key=lambda row: row.pk)
    names = [*(each.mailbox.local_part for each in listed), *(row.address for row in rows)]
    if not names:
        return "nobody yet"
    if len(names) == 1:
        return names[0]
    return f"{names[0]} and {names[1] if len(names) == 2 else f'{len(names) - 1} others'}"


def for_list(mailboxes: QuerySet[Mailbox]) -> QuerySet[Mailbox]:
    """With what a line of the list says, in three queries; long lists of mailboxes are cut."""
    deliveries = Delivery.objects.select_related("mailbox").order_by("pk")[:LISTED_DELIVERIES]
    return mailboxes.prefetch_related(
        "targets", Prefetch("deliveries", queryset=deliveries, to_attr="listed_deliveries")
    )
