"""Looking at what a host lacks for albatross, and making it so as an operator agreed, step by step."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db.models import QuerySet

from tenants.actions.agreed import Seen
from tenants.actions.preparations import record_preparation, record_preparation_progress
from tenants.actor import Actor
from tenants.desired_preparation import wanted_of
from tenants.formats.host_setup import (
    FACTS_SCRIPT,
    Facts,
    Plan,
    Step,
    checks_script,
    plan,
    read_checks,
    read_facts,
    script,
    step_script,
)
from tenants.formats.host_setup.facts import MOST_FACTS
from tenants.formats.host_setup.script import MOST_CHECKS
from tenants.formats.text import FormatError, printable
from tenants.models import HostPreparation
from tenants.secrets import Opener
from workers import ssh
from workers.errands import agreed
from workers.outcome import NeedsPerson, Setback
from workers.ssh.root import as_root
from workers.targets.host_connection import outcomes, ssh_endpoint

LOOK_SECONDS = 60.0
STEP_SECONDS = 420.0
"""Packages take minutes on a slow line."""
SECONDS = 1500
"""In which one preparation ends; what is left then is done when somebody presses again."""
_LOOK_CLAIM = timedelta(seconds=3 * LOOK_SECONDS)
_STEP_CLAIM = timedelta(seconds=STEP_SECONDS + 60)
_SHELL = 'env "SSH_CONNECTION=$SSH_CONNECTION" sh -s'
# A step goes on when the connection breaks: packages that are half installed are worse than late ones. One at
# a time; the next one waits for it.
_DETACHED = """d=/run/rookery-prepare; umask 077; mkdir -p "$d"; f="$d/$$"; cat >"$f"
setsid flock -w 20 -E 75 "$d/lock" sh "$f" >"$f.said" 2>&1 </dev/null &
wait $!; c=$?; tail -c 3000 "$f.said"; rm -f "$f" "$f.said"; [ "$c" = 0 ] || echo "status $c"; exit 0"""
_DONE = (": already", ": done")
State = HostPreparation.State
Row = dict[str, str]


def asked_preparations() -> QuerySet[HostPreparation]:
    """Hosts that an operator waits for and nobody looks at."""
    return agreed.asked_for(HostPreparation.objects.all())


@dataclass(frozen=True)
class _Look:
    """One look: everything that shall be so, and what is not."""

    facts: Facts
    whole: Plan
    left: Plan
    script: str

    @property
    def right(self) -> tuple[str, ...]:
        left = {each.key for each in self.left.steps} | {
            each.key for each in self.whole.steps if f"{each.title}: {each.advice}" in self.left.problems
        }
        return tuple(f"{each.title}." for each in self.whole.steps if each.key not in left)


@dataclass(frozen=True)
class Preparations:
    """Over a connection of its own: the account is another than that of passes over the same host."""

    opener: Opener
    pool: ssh.ConnectionPool

    def serve(self, preparation_id: int) -> bool:
        """Do what was asked for one host unless somebody does; returns whether anything was done."""
        if not agreed.take(HostPreparation.objects.all(), preparation_id, _LOOK_CLAIM):
            return False
        row = HostPreparation.objects.select_related("host__organization").get(pk=preparation_id)
        try:
            self._serve(row)
        except Setback as setback:
            record_preparation(actor=Actor.rookery(), preparation=row, seen=agreed.failed(setback))
        return True

    def _serve(self, row: HostPreparation) -> None:
        endpoint = replace(ssh_endpoint(row.host, self.opener), username=row.username, timeout=LOOK_SECONDS)
        with outcomes(row.host), _let_in(row), self.pool.connection(endpoint) as connection:
            look = _look(connection, row)
            if row.asked != row.Ask.PREPARE:
                _record(row, look)
                return
            if not _is_agreed(row, look.left):
                _record(row, look, "It is not as it was when this was planned; nothing was done. ")
                return
        with outcomes(row.host), self.pool.connection(replace(endpoint, timeout=STEP_SECONDS)) as connection:
            told = _carry_out(connection, row, look.left)
            if told is None:
                return
            _record(row, _look(connection, row), told, done=True)


def _look(connection: ssh.Connection, row: HostPreparation) -> _Look:
    try:
        wanted, told = wanted_of(row)
        facts = read_facts(_ask(connection, FACTS_SCRIPT, MOST_FACTS))
        whole = plan(facts, wanted)
        wrong: Mapping[str, str] = {}
        if whole.steps:
            wrong = read_checks(_ask(connection, checks_script(whole.steps), MOST_CHECKS), whole.steps)
    except FormatError as error:
        raise NeedsPerson("not-possible", error.problem, error.fix) from error
    right = {each.key for each in whole.steps} - set(wrong)
    left = whole.without(right)
    about = f"Prepares {row.host.host} for albatross, as Rookery planned it."
    return _Look(facts, whole, replace(left, problems=left.problems + told), script(whole.steps, about))


def _ask(connection: ssh.Connection, text: str, limit: int) -> str:
    """Run a read-only script: as root if that is allowed, else as the account."""
    try:
        said = connection.run(as_root(_SHELL), text.encode(), limit=limit).stdout
    except ssh.CommandFailed as error:
        if "sudo" not in error.message:
            raise
        said = connection.run(_SHELL, text.encode(), limit=limit).stdout
    return said.decode("ascii", "replace")


def _is_agreed(row: HostPreparation, left: Plan) -> bool:
    """Whether an operator read every command that is left; some may be done since."""
    read = {each["key"]: each["command"] for each in row.steps}
    agreed_to = all(read.get(each.key) == _command(each) for each in left.steps)
    return agreed_to and row.agreed == row.plan


def _carry_out(connection: ssh.Connection, row: HostPreparation, left: Plan) -> str | None:
    """Do the steps, stopping at the first that fails. Returns what to say before the last look, or None when
    a person asked for something else meanwhile."""
    rows = _rows(left)
    for number, step in enumerate(left.steps):
        rows[number]["state"] = "running"
        if not _progress(row, rows):
            return None
        said = connection.run(as_root(f"sh -c {shlex.quote(_DETACHED)}"), step_script(step).encode()).stdout
        text = said.decode("utf-8", "replace").rstrip()
        last = text.rpartition("\n")[2]
        if not last.endswith(_DONE):
            return _stopped(step, text)
        rows[number] |= {"state": last.rpartition(": ")[2], "said": printable(text, 600)}
    return "" if _progress(row, rows) else None


def _stopped(step: Step, text: str) -> str:
    lines = [printable(line, 200) for line in text.splitlines() if line.strip()]
    if lines and lines[-1] == "status 75":
        return "An earlier run is still at work on the host. Look again in some minutes. "
    told = " / ".join(line for line in lines[-4:] if not line.startswith(("Stopped at", "status ")))
    return (
        f"It stopped at “{step.title}”, and did nothing after it. The host said: {told or 'nothing'}. Put"
        " that right there, then do it again: what is done already is left alone. "
    )


def _progress(row: HostPreparation, rows: list[Row]) -> bool:
    return record_preparation_progress(actor=Actor.rookery(), preparation=row, steps=rows, within=_STEP_CLAIM)


def _command(step: Step) -> str:
    return "\n".join(step.commands)


def _rows(left: Plan) -> list[Row]:
    return [
        {
            "key": each.key,
            "title": each.title,
            "why": each.why,
            "command": _command(each),
            "check": each.check,
            "expected": each.expected,
            "state": "",
            "said": "",
        }
        for each in left.steps
    ]


def _record(row: HostPreparation, look: _Look, before: str = "", *, done: bool = False) -> None:
    left = look.left
    if look.facts.uid:
        state = State.BY_HAND
        sentence = (
            f"{row.username} is not root there and may not use sudo, so not all of it can be seen. Run the"
            " script as root, then check again."
        )
    elif left.steps:
        state, sentence = State.TODO, "Read what is to be done; nothing was changed yet."
        if done:
            sentence = "Read what is left to be done."
    elif not look.whole.steps or left.problems:
        state, sentence = State.BY_HAND, "Somebody has to look at this on the host."
    else:
        state, sentence = State.READY, "It is as albatross needs it, now and after a reboot."
    seen = Seen(state, before + sentence, look.right, left.problems, _rows(left), left.checksum)
    record_preparation(
        actor=Actor.rookery(),
        preparation=row,
        seen=seen,
        script=look.script,
        tenders=None if look.facts.uid else look.facts.tenders,
        done=done,
    )


@contextmanager
def _let_in(row: HostPreparation) -> Iterator[None]:
    """A host that does not let us in as root is told apart from one that does not speak SSH."""
    try:
        yield
    except ssh.AuthenticationRefused as error:
        raise NeedsPerson(
            "not-let-in",
            f"{row.host} does not let Rookery's key in as {row.username}.",
            f"Put the key into ~{row.username}/.ssh/authorized_keys there for as long as this takes, or name"
            " another account, or do it by hand.",
        ) from error
    except ssh.CommandFailed as error:
        raise NeedsPerson(
            "no-shell",
            f"{row.username} on {row.host} runs no commands: {printable(str(error), 200)}.",
            "Name an account with a shell, or do it by hand.",
        ) from error
