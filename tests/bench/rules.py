"""A thousand rules of a firewall over SSH, bare and by the helper, against iptables-restore on the host."""

from __future__ import annotations

import os
import shutil
import time
from functools import partial
from pathlib import Path
from statistics import median

from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.helper import Family
from tenants.formats.firewall.restore import Wanted, is_there, restore_text
from tenants.formats.firewall.saved import Owner
from tenants.formats.sshkeys import new_ssh_key
from tests.bench.measure import Measure, stage, timed
from tests.firewall.conftest import Namespace
from tests.firewall.examples import many_stacks
from tests.firewall.reached import ADDRESS, ReachedHost
from workers import ssh
from workers.firewall.client import FirewallClient, helper_command

STACKS = 48
_GUARDED = 4


def missing() -> str:
    """Why it cannot be measured here; empty when it can."""
    if os.geteuid():
        return "only root can make network namespaces"
    programs = ("iptables-nft-restore", "ip", "nsenter", "unshare", "sshd")
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return ", ".join(f"no {each}" for each in programs if shutil.which(each, path=path) is None)


def measure_rules(folder: Path, rounds: int) -> list[Measure]:
    """Each way replaces all rules of 48 stacks by others again and again, turn by turn; medians count."""
    made: list[Namespace] = []

    def new() -> Namespace:
        made.append(Namespace())
        return made[-1]

    private, public = new_ssh_key("bench")
    folder.mkdir(exist_ok=True)
    there = ReachedHost(new, folder, "nft", public)
    try:
        with stage(f"all rules of {STACKS} stacks, {rounds} times"):
            return _Firewall(there, private).measure(rounds)
    finally:
        there.close()
        for each in made:
            each.close()


class _Firewall:
    def __init__(self, there: ReachedHost, private: str) -> None:
        self.there = there
        self.endpoint = ssh.SshEndpoint(ADDRESS, 22, "root", private, pinned_key=there.key)
        self.client = FirewallClient(there.pool, self.endpoint, helper_command(str(there.helper)))
        self.both = [derive(many_stacks(STACKS, receiver)) for receiver in (9, 10)]
        self.turn = 0

    def measure(self, rounds: int) -> list[Measure]:
        there, restore = self.there, f"{self.there.iptables.program}-restore"
        self._by_helper()
        local, over_ssh, by_helper = [], [], []
        with there.pool.connection(self.endpoint) as connection:
            for _ in range(rounds):
                text = self._next()
                local.append(timed(partial(there.namespace.run, restore, "--noflush", given=text)))
                text = self._next()
                over_ssh.append(timed(partial(connection.run, f"{restore} --noflush", text.encode())))
                by_helper.append(self._by_helper())
        what = f"{len(self.both[0])} rules of {STACKS} stacks"
        floor = "floor: iptables-restore with the same on the host"
        return [
            Measure(f"{what}, iptables-restore over SSH, ms; {floor}", median(over_ssh), median(local), 1.3),
            Measure(
                f"{what}, in force by the helper over SSH: checked, compared with what was read, the dead"
                f" man's switch armed, ms; {floor}",
                median(by_helper),
                median(local),
                _GUARDED,
            ),
        ]

    def _seen(self) -> Family:
        return self.client.read().families[4]

    def _wanted(self) -> Wanted:
        return Wanted(Owner("bench", self.turn + 1), self.both[self.turn % 2])

    def _next(self) -> str:
        """What replaces all rules that are there. Raises RuntimeError when those are not the last ones."""
        saved = self._seen().saved
        if self.turn and not is_there(self._wanted(), saved):
            raise RuntimeError("the rules are not those that were written last")
        self.turn += 1
        return restore_text(self._wanted(), saved)

    def _by_helper(self) -> float:
        """Milliseconds until the new rules are in force; then they are confirmed over a new connection."""
        text, seen = self._next(), self._seen()
        ticks: list[float] = []
        began = time.perf_counter()
        self.client.change(4, seen.saved.fingerprint, text, lambda: ticks.append(time.perf_counter()))
        return (ticks[0] - began) * 1000
