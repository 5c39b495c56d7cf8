"""Bringing many addresses back: asked once what `restore_mailbox` would ask the database about each."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from tenants.actions.creation import served_here
from tenants.actions.gathering import batched
from tenants.actions.names import held_among
from tenants.models import AddressWarning, Delivery, Domain, Mailbox, TargetAddress


def nothing_to_judge(domain: Domain, mailboxes: Sequence[Mailbox]) -> frozenset[int]:
    """Ids of those of which restoring could find nothing: no name held back, no end, no alias to or from
    them, no warning, and targets of one outside domain that flow freely. The others are judged one by one."""
    held = held_among(domain, [mailbox.local_part for mailbox in mailboxes])
    judged: set[int] = set()
    hosts: dict[int, set[str]] = {}
    for some in batched([mailbox.pk for mailbox in mailboxes]):
        connected = Delivery.objects.filter(Q(alias__in=some) | Q(mailbox__in=some))
        for pair in connected.values_list("alias_id", "mailbox_id"):
            judged.update(pair)
        judged.update(AddressWarning.objects.filter(mailbox__in=some).values_list("mailbox_id", flat=True))
        rows = TargetAddress.objects.filter(mailbox__in=some)
        for mailbox_id, host, state in rows.values_list("mailbox_id", "host", "exchange"):
            hosts.setdefault(mailbox_id, set()).add(host)
            if state != TargetAddress.Exchange.FREE:
                judged.add(mailbox_id)
    here = served_here({host for each in hosts.values() for host in each})
    return frozenset(
        mailbox.pk
        for mailbox in mailboxes
        if mailbox.pk not in judged
        and mailbox.local_part not in held
        and mailbox.expires_at is None
        and len(hosts.get(mailbox.pk, ())) == 1
        and not hosts[mailbox.pk] & here
    )
