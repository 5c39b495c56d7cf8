"""One mailbox changed, many edits at once, many new entries: against real git and a bare floor."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from tenants import outbox
from tenants.actions import mailboxes
from tenants.models import Organization, Run
from tests.bench.floors import ThinPackFloor
from tests.bench.hosts import Git, Host, endpoint, git
from tests.bench.measure import Measure, say, stage, timed
from tests.bench.sizes import Sizes
from tests.bench.worlds import (
    ROOKERY,
    World,
    digest_of,
    entry_of,
    kept_connection,
    local_part,
)
from workers import sweeper, tasks
from workers.controller import Controller, Ending


@dataclass
class Bench:
    """Everything that the measures share."""

    sizes: Sizes
    host: Host
    folder: Path
    controller: Controller
    organization: Organization

    def copy_of(self, world: World, name: str) -> str:
        """The world's repository once more, for a rival to write to."""
        shutil.copytree(world.folder, self.host.folder / name)
        return name


# building and pushing many new entries ----------------------------------------------------------------


def measure_import(bench: Bench) -> tuple[list[Measure], World]:
    """Many new entries in one commit; also returns the world that was filled last."""
    users, rounds = bench.sizes.users, bench.sizes.imports
    stream = fast_import_stream(users)
    with stage(f"{users} new entries in one commit, {rounds} times"):
        worlds, ours, theirs, whole = [], [], [], []
        for number in range(rounds):
            world = World.make(bench.host, bench.controller, bench.organization, f"import{number}")
            world.add_mailboxes(users)
            whole.append(timed(partial(world.require, Ending.AGREED)))
            ours.append(step_milliseconds(world.target.runs.latest("pk"), "apply"))
            theirs.append(_fast_import(bench.folder / f"fast-import{number}.git", stream))
            worlds.append(world)
        say(f"  the whole pass, from sealed rows to the proof: {min(whole):.0f} ms")
    name = f"build and push {users} new entries in one commit, over SSH, ms; floor: git fast-import, local"
    return [Measure(name, min(ours), min(theirs), 0.5)], worlds[-1]


def step_milliseconds(run: Run, name: str) -> float:
    """What the recorder wrote about a step."""
    step = run.steps.get(name=name)
    assert step.started_at is not None
    assert step.finished_at is not None
    return (step.finished_at - step.started_at).total_seconds() * 1000


def fast_import_stream(users: int) -> bytes:
    parts = [b"commit refs/heads/main\ncommitter Bench <bench@localhost> 1700000000 +0000\ndata 4\nnew\n"]
    for number in range(users):
        name, content = entry_of(number)
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name, len(content), content))
    return b"".join([*parts, b"done\n"])


def _fast_import(folder: Path, stream: bytes) -> float:
    git("init", "--quiet", "--bare", "--template=", str(folder), folder=folder.parent)
    return timed(lambda: git("fast-import", "--quiet", "--done", folder=folder, stdin=stream))


# one change ---------------------------------------------------------------------------------------------


def measure_one_change(bench: Bench, world: World) -> list[Measure]:
    """One mailbox of many gets a new passphrase."""
    users, rounds = bench.sizes.users, bench.sizes.rounds
    target_id, mailbox = world.target.pk, world.domain.mailboxes.get(local_part=local_part(users // 2))
    floor_name, clone_name = bench.copy_of(world, "floor.git"), bench.copy_of(world, "clone.git")

    with (
        stage(f"one mailbox of {users} changed, {rounds} times"),
        kept_connection(endpoint(bench.host)) as connection,
        Git(bench.host, bench.folder / "person", kept=False) as person,
    ):
        command = f"git-receive-pack {shlex.quote(bench.host.path(floor_name))}"
        floor = ThinPackFloor(
            connection, command, *_tree_and_tip(bench.host.folder / floor_name), local_part(0).encode()
        )
        ours, least, person_takes = [], [], []
        for number in range(rounds + 1):  # the first warms up what stays warm in life
            mailboxes.set_passphrase(actor=ROOKERY, mailbox=mailbox, password_hash=digest_of(users, number))
            ours.append(timed(partial(bench.controller.reconcile, target_id)))
            least.append(timed(partial(floor.change, entry_of(0, number + 1)[1])))
            if 0 < number <= bench.sizes.clones:
                edit = partial(_clone_edit_push, person, clone_name, number)
                person_takes.append(timed(edit))
    if not world.target.in_agreement:
        raise RuntimeError("the passes did not bring the domain into agreement")
    value = min(ours[1:])
    what = f"one mailbox of {users} changed over SSH, ms"
    return [
        Measure(f"{what}; floor: a hand-made thin pack on a kept channel", value, min(least[1:]), 2.5),
        Measure(f"{what}; floor: git clone, edit, commit, push", value, min(person_takes), 1 / 15),
    ]


def _tree_and_tip(folder: Path) -> tuple[bytes, str]:
    tip = git("rev-parse", "main", folder=folder).decode().strip()
    return git("cat-file", "tree", "main^{tree}", folder=folder), tip


def _clone_edit_push(person: Git, name: str, number: int) -> None:
    work = person.folder / f"clone{number}"
    person("clone", "--quiet", person.url(name), str(work))
    (work / local_part(1)).write_bytes(entry_of(1, number + 1)[1])
    person("commit", "--quiet", "--all", "--message=One change", folder=work)
    person("push", "--quiet", "origin", "main", folder=work)


# many queued edits --------------------------------------------------------------------------------------


def measure_edits(bench: Bench, world: World) -> list[Measure]:
    """Many edits of one domain wait when a worker comes to it."""
    edits, commits = bench.sizes.edits, bench.sizes.worktree_commits
    rival = bench.copy_of(world, "worktree.git")
    with stage(f"{edits} queued edits in one domain"):
        results = [_drain_edits(world, edits, round_) for round_ in range(bench.sizes.drains)]
    value = min(time for time, _, _ in results)
    most_commits, most_tasks = (max(each) for each in zip(*(each[1:] for each in results), strict=True))
    with (
        stage(f"{commits} commits in a work tree, each pushed"),
        Git(bench.host, bench.folder / "worker", kept=True) as person,
    ):
        one = _worktree_commits(person, rival, commits)
    what = f"{edits} queued edits in one domain of {bench.sizes.users}"
    return [
        Measure(f"{what}, commits; floor: 1", most_commits, 1, 3),
        Measure(f"{what}, tasks; floor: 1", most_tasks, 1, 5),
        Measure(
            f"{what}, ms; floor: as many commits in a kept work tree, each pushed on a kept connection"
            f" (median of {commits}, scaled linearly)",
            value,
            one * edits,
            1 / 300,
        ),
    ]


def _drain_edits(world: World, edits: int, round_: int) -> tuple[float, int, int]:
    """Queue edits by the action, then do what was hinted; returns milliseconds, commits and tasks."""
    hints: list[tuple[str, int, str]] = []
    before, send_hint = world.tip(), outbox.send_hint
    outbox.send_hint = lambda *hint: hints.append(hint)
    try:
        for number, mailbox in enumerate(world.domain.mailboxes.order_by("pk")[:edits]):
            mailboxes.set_passphrase(
                actor=ROOKERY, mailbox=mailbox, password_hash=digest_of(number, 1000 + round_)
            )

        def work() -> None:
            for task, row_id, _ in hints:
                getattr(tasks, task)(row_id)

        time = timed(work)
        if not world.target.in_agreement:
            raise RuntimeError("the hints did not bring the domain into agreement")
        sweeper.sweep()  # what else would be started for it
    finally:
        outbox.send_hint = send_hint
    made = git("rev-list", "--count", f"{before}..main", folder=world.folder)
    return time, int(made), sum((task, row_id) == ("reconcile", world.target.pk) for task, row_id, _ in hints)


def _worktree_commits(person: Git, name: str, commits: int) -> float:
    """The median of one edit, add, commit and push in a work tree that is kept."""
    work = person.folder / "work"
    person("clone", "--quiet", person.url(name), str(work))

    def one(number: int) -> None:
        (work / local_part(number)).write_bytes(entry_of(number, 1)[1])
        person("add", local_part(number), folder=work)
        person("commit", "--quiet", "--message=One change", folder=work)
        person("push", "--quiet", "origin", "main", folder=work)

    return median(timed(partial(one, number)) for number in range(commits))
