"""Letters through a stack that runs, with what the watcher of its host reads meanwhile."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone

from tenants.actions.letters import follow_letter
from tenants.actor import Actor
from tenants.letters import followed
from tenants.models import Canary, CanaryRound
from tenants.secrets import Opener, Purpose
from workers import ssh
from workers.errands.canary_keeper import CanaryKeeper
from workers.watch.host import HostWatcher
from workers.watch.lease import HostLease


def letters_are_followed(owner: Actor, host_id: int, keeper: CanaryKeeper, canary: Canary) -> None:
    """Through the same chain, with the lines that the watcher reads from its consoles meanwhile."""
    long_ago = timezone.now() - timedelta(minutes=1)
    ways = list(canary.ways.order_by("way").values())
    lease = HostLease.acquire(host_id, "tests")
    assert lease is not None
    pool = ssh.ConnectionPool()
    watcher = HostWatcher(lease, opener=Opener(), pool=pool)
    try:
        watcher.turn()
        for way, roles in (("in", ["verifier", "spamfilter"]), ("out", ["submission", "signer"])):
            letter = follow_letter(actor=owner, stack=canary.stack, way=way)
            if way == "out":
                assert not keeper.follow(letter.pk), "so soon after another message"
                CanaryRound.objects.exclude(pk=letter.pk).update(began_at=long_ago)
            assert keeper.follow(letter.pk)
            letter.refresh_from_db()
            assert (letter.verdict, letter.answers[-1][1]) == ("proved", "the message"), letter.problem
            told = followed(owner, letter)
            ends = time.monotonic() + 10
            while not all(step.seen.is_named for step in told.steps[1:]) and time.monotonic() < ends:
                watcher.turn()
                told = followed(owner, letter)
            seen = [step.seen for step in told.steps]
            assert [each.hop.role for each in seen] == [*roles, "relay"]
            lines = [[found.line.text for found in each.found] for each in seen]
            # Others have just spoken to the first one from the address that we have.
            assert all(each.is_named for each in seen[1:]), lines
            assert all("> submitted a message" in each[0] or "> quit properly" in each[0] for each in lines)
            assert [each.stamp is not None for each in seen] == [True] * 3, letter.headers
            said = {name for name, _ in letter.headers}
            assert {"in": "Received-SPF", "out": "DKIM-Signature"}[way] in said
            secret = Opener().open(Purpose.CANARY, bytes(canary.sealed_secret))
            assert secret not in repr(letter.answers)
    finally:
        watcher.close()
        pool.close()
    assert list(canary.ways.order_by("way").values()) == ways, "letters count for nothing"
    CanaryRound.objects.update(began_at=long_ago)
