"""A pass over many domains of which nothing is wanted and nothing moved."""

from __future__ import annotations

from functools import partial
from statistics import median

from tenants import outbox
from tenants.models import Repository, SyncTarget
from tenants.models.sync import LONG_AGO
from tests.bench.changes import Bench
from tests.bench.hosts import Git, Host
from tests.bench.measure import Measure, stage, timed
from tests.bench.worlds import World, multiply
from workers import sweeper, tasks

# What looks at repositories. A sweep also hints at look-ups and checks of mail, each due once in a while.
LOOKS = ("reconcile", "check_account")


def measure_noop(bench: Bench, git_only: Host) -> list[Measure]:
    """With a shell and without, against one `git ls-remote` for each domain on a kept connection."""
    sizes = bench.sizes
    with stage(f"making {sizes.domains} domains with {sizes.users_per_domain} mailboxes each"):
        first = World.make(bench.host, bench.controller, bench.organization, "many")
        first.add_mailboxes(sizes.users_per_domain)
        bench.controller.reconcile(first.target.pk)
        targets = multiply(first, sizes.domains, sizes.users_per_domain)
        git_only.authorize(first.repository.public_key)
    what = f"no-op pass over {sizes.domains} domains of {sizes.users_per_domain}"
    rival = f"floor: git ls-remote on a kept connection each ({sizes.listings} measured, scaled linearly)"
    found = []
    for host, goal, where in ((bench.host, 1 / 100, "with a shell"), (git_only, 1 / 5, "git only")):
        with stage(f"{what}, {where}"):
            Repository.objects.filter(sync_target__in=targets).update(port=host.port, host_key=host.key)
            times, commands = zip(*(no_op_pass(host, targets) for _ in range(sizes.passes + 1)), strict=True)
            one = _list_remotely(bench, host, first)
        if where == "with a shell":
            found.append(Measure(f"{what}, {where}, commands on the host; floor: 1", max(commands), 1, 1))
        found.append(Measure(f"{what}, {where}, ms; {rival}", min(times[1:]), one * sizes.domains, goal))
    return found


def no_op_pass(host: Host, targets: list[int]) -> tuple[float, int]:
    """Everything is due: sweep, then do what it hinted at. Milliseconds, and commands started on the host."""
    SyncTarget.objects.filter(pk__in=targets).update(next_check_at=LONG_AGO)
    before, hints = host.commands_started(), []
    send_hint, outbox.send_hint = outbox.send_hint, lambda *hint: hints.append(hint)
    try:

        def work() -> None:
            sweeper.sweep()
            for task, row_id, _ in [hint for hint in hints if hint[0] in LOOKS]:
                getattr(tasks, task)(row_id)

        time = timed(work)
    finally:
        outbox.send_hint = send_hint
    checked = SyncTarget.objects.filter(pk__in=targets, next_check_at__gt=LONG_AGO, failures=0)
    unchecked = len(targets) - checked.count()
    due = sweeper.due_targets().filter(pk__in=targets).count()
    if unchecked or due:
        raise RuntimeError(f"of {len(targets)} targets the sweep left {unchecked} unchecked and {due} due")
    return time, host.commands_started() - before


def _list_remotely(bench: Bench, host: Host, world: World) -> float:
    """The median of one `git ls-remote`, each of another repository."""
    folder = bench.folder / f"lister-{host.port}"
    names = [f"{world.name}-{number}.git" for number in range(1, bench.sizes.domains)] or [
        f"{world.name}.git"
    ]
    with Git(host, folder, kept=True) as person:
        return median(
            timed(partial(person, "ls-remote", person.url(name), "refs/heads/main"))
            for name in names[: bench.sizes.listings]
        )
