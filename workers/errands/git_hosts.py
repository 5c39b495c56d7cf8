"""Looking at git hosts, and setting repositories up there as a person agreed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from tenants.actions.agreed import Seen
from tenants.actions.git_hosts import record_git_host
from tenants.actor import Actor
from tenants.formats.text import printable
from tenants.models import HostSetup, Repository
from tenants.secrets import Opener
from workers import ssh
from workers.errands import agreed
from workers.outcome import Setback
from workers.repository import (
    RemoteRepository,
    RepositoryError,
    ShellUnavailable,
    authorize,
    inspect,
    look_for_key,
    read_refs,
    set_up,
)
from workers.repository.host_plan import HostPlan, Wanted, as_rows, by_hand, lines_for, plan_host
from workers.targets.endpoint import endpoint_of
from workers.targets.git_target import GitTarget

# Longer than one look and what follows it take: another worker does not do the same at the same time.
CLAIM = timedelta(seconds=90)
State = HostSetup.State


@dataclass(frozen=True)
class GitHosts:
    """Asks over the connections that passes over these repositories use, too."""

    opener: Opener
    pool: ssh.ConnectionPool

    def serve(self, setup_id: int) -> bool:
        """Do what was asked of one git host unless somebody does; returns whether anything was recorded."""
        if not agreed.take(HostSetup.objects.all(), setup_id, CLAIM):
            return False
        setup = HostSetup.objects.select_related("repository").get(pk=setup_id)
        try:
            seen = self._serve(setup)
        except Setback as setback:
            seen = agreed.failed(setback)
        record_git_host(actor=Actor.rookery(), setup=setup, seen=seen)
        return True

    def _serve(self, setup: HostSetup) -> Seen:
        repository = setup.repository
        keys = tuple((str(each["key"]), bool(each["writes"])) for each in setup.keys)
        wanted = Wanted(repository.path, repository.branch, keys)
        remote = RemoteRepository(endpoint_of(repository, self.opener), repository.path, repository.branch)
        with GitTarget(opener=self.opener, pool=self.pool).connection(repository) as connection:
            try:
                plan = _look(connection, remote, wanted)
                if setup.asked != HostSetup.Ask.PREPARE:
                    return _told(plan)
                if plan.checksum != setup.agreed:
                    return _told(plan, "It is not as it was when this was planned; nothing was done. ")
                _carry_out(connection, remote, plan)
                return _told(_look(connection, remote, wanted), done=True)
            except ShellUnavailable:
                return _without_shell(connection, remote, repository, wanted)


def asked_setups() -> QuerySet[HostSetup]:
    """Git hosts that somebody waits for and nobody looks at."""
    return agreed.asked_for(HostSetup.objects.all())


def _look(connection: ssh.Connection, remote: RemoteRepository, wanted: Wanted) -> HostPlan:
    found = inspect(connection, remote)
    try:
        lines = lines_for(found, wanted)
    except ValueError:
        return HostPlan(problems=(f"{remote.path} lies in a folder whose name no line for a key can hold.",))
    return plan_host(found, wanted, {line: look_for_key(connection, line) for line in lines})


def _carry_out(connection: ssh.Connection, remote: RemoteRepository, plan: HostPlan) -> None:
    if any(not each.line for each in plan.steps):
        set_up(connection, remote)
    for each in plan.steps:
        if each.line:
            authorize(connection, each.line)


def _told(plan: HostPlan, before: str = "", *, done: bool = False) -> Seen:
    if plan.steps:
        state, sentence = State.TODO, "Read what is to be done; nothing was changed yet."
        if done:
            sentence = "It was done, and the git host still says otherwise. Look at it by hand."
    elif plan.problems:
        state, sentence = State.BY_HAND, "Somebody has to look at this on the git host."
    else:
        state = State.READY
        sentence = (
            "It was done, and it is set up as it should be." if done else "It is set up as it should be."
        )
    return Seen(state, before + sentence, plan.right, plan.problems, as_rows(plan.steps), plan.checksum)


def _without_shell(
    connection: ssh.Connection, remote: RemoteRepository, repository: Repository, wanted: Wanted
) -> Seen:
    """Only git answers: what can be seen by it, and what a person with a shell would run."""
    right: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    try:
        refs = read_refs(connection, remote)
        there = "exists" if refs.tip else "has no commits yet"
        right = (f"The repository answers, and its branch {repository.branch} {there}.",)
    except (RepositoryError, ssh.CommandFailed, ssh.ProtocolError) as error:
        said = printable(str(error), 150)
        problems = (f"Git says of the repository: {said}.",)
    sentence = (
        f"Rookery's key may only run git on {repository.host}, as it should be: it cannot look at settings"
        f" or change them. Run these commands there as {repository.username}, in its home folder. Each may"
        " be run twice; none removes or overwrites anything."
    )
    return Seen(State.BY_HAND, sentence, right, problems, as_rows(by_hand(wanted)))
