"""A person asks how a git host is set up, reads the plan, agrees, and a worker does exactly that."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tenants.actions import git_hosts as actions
from tenants.actions.agreed import Seen
from tenants.actions.zone_repositories import connect_zone_repository
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.formats.sshkeys import new_ssh_key
from tenants.models import Domain, Event, HostSetup, Repository
from tenants.secrets import Opener
from tests.ssh.test_openssh import Host
from workers import ssh
from workers.errands.git_hosts import GitHosts, asked_setups
from workers.repository import RemoteRepository, read_refs
from workers.repository.mirror import git_environment
from workers.sandbox.git_host import GitHost

pytestmark = pytest.mark.django_db
PRIVATE, PUBLIC = new_ssh_key("the primary")
State = HostSetup.State


def connect(
    owner: Actor, domain: Domain, host: str, port: int, username: str, key: str, path: str
) -> Repository:
    """A zone repository whose host's key was compared."""
    row = connect_zone_repository(
        actor=owner,
        organization=domain.organization,
        host=host,
        port=port,
        username=username,
        path=path,
        address="127.0.0.53",
    )
    Repository.objects.filter(pk=row.pk).update(host_key=key)
    row.refresh_from_db()
    return row


@pytest.fixture
def worker() -> Iterator[GitHosts]:
    pool = ssh.ConnectionPool()
    yield GitHosts(Opener(), pool)
    pool.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    with GitHost(tmp_path / "host", "127.0.72.2", shell=True) as running:  # noqa: S604 - on loopback
        yield running


@pytest.fixture
def repository(host: GitHost, alice: Actor, domain: Domain) -> Repository:
    row = connect(alice, domain, host.host, host.port, "git", host.public_key, "zone.git")
    host.authorize(row.public_key)
    return row


@pytest.fixture
def look(alice: Actor, worker: GitHosts) -> Callable[..., HostSetup]:
    """Ask for a look, let a worker serve it, and read what it found."""

    def ask(repository: Repository, **keys: list[str]) -> HostSetup:
        setup = actions.look_at_git_host(actor=alice, repository=repository, **keys)
        assert worker.serve(setup.pk)
        return HostSetup.objects.get(pk=setup.pk)

    return ask


def sentences(setup: HostSetup) -> list[str]:
    return [each["sentence"] for each in setup.steps]


@pytest.mark.debian
def test_a_repository_is_made_at_a_real_host_as_was_agreed(
    tmp_path: Path, alice: Actor, domain: Domain, worker: GitHosts, look: Callable[..., HostSetup]
) -> None:
    with Host(tmp_path / "repositories") as running:
        at, path, home = running.endpoint, running.folder / "zone.git", running._home
        row = connect(alice, domain, at.host, at.port, at.username, running.key, str(path))
        running.authorize(row.public_key)
        seen = look(row, writers=[PUBLIC])
        assert (seen.state, len(seen.steps), seen.problems) == (State.TODO, 4, [])
        assert not path.exists()
        actions.prepare_git_host(actor=alice, repository=row, plan=seen.plan)
        assert worker.serve(seen.pk)
        done = HostSetup.objects.get()
        assert (done.state, done.steps, done.problems) == (State.READY, [], [])
        assert len(done.right) == 4
        [line] = (home / ".ssh" / "authorized_keys").read_text().splitlines()
        # The key that was let in reaches this repository, whatever it asks for, and no shell.
        running.authorize(line)
        with closing(ssh.connect(replace(at, private_key=PRIVATE))) as unikernel:
            assert (
                read_refs(unikernel, RemoteRepository(unikernel.endpoint, "/elsewhere", "main")).tip is None
            )
            with pytest.raises(ssh.CommandFailed):
                unikernel.run("id")
        assert look(row, writers=[PUBLIC]).state == State.READY
    assert list(Event.objects.order_by("pk").values_list("verb", flat=True))[-3:] == [
        "look_at_git_host",
        "prepare_git_host",
        "look_at_git_host",
    ]


def test_an_account_that_may_only_run_git_gets_the_commands_to_paste(
    host: GitHost, repository: Repository, look: Callable[..., HostSetup]
) -> None:
    host.shell = False
    seen = look(repository, readers=[PUBLIC])
    assert (seen.state, len(seen.steps), len(seen.problems)) == (State.BY_HAND, 5, 1)
    assert "may only run git" in seen.sentence
    for _ in range(2):  # pasted twice
        for each in seen.steps:
            environment = {**git_environment(), "HOME": str(host.folder)}
            words = ["sh", "-c", each["command"]]
            said = subprocess.run(words, cwd=host.folder, env=environment, check=True, capture_output=True)
    assert said.stdout.split() == [
        b"receive.denynonfastforwards",
        b"true",
        b"receive.denydeletes",
        b"true",
    ]
    ours, its = (host.folder / ".ssh" / "authorized_keys").read_text().splitlines()
    assert not ours.startswith("restrict")
    assert its.startswith("restrict")
    by_git = look(repository)
    assert by_git.right == ["The repository answers, and its branch main has no commits yet."]
    host.shell = True
    assert look(repository, readers=[PUBLIC]).state == State.READY


def test_what_changed_since_the_plan_was_read_is_shown_and_nothing_done(
    host: GitHost, repository: Repository, alice: Actor, worker: GitHosts, look: Callable[..., HostSetup]
) -> None:
    seen = look(repository)
    host.create_repository("zone.git", branch="other")
    actions.prepare_git_host(actor=alice, repository=repository, plan=seen.plan)
    with pytest.raises(Conflict, match="just now"):
        actions.prepare_git_host(actor=alice, repository=repository, plan=seen.plan)
    assert worker.serve(seen.pk)
    again = HostSetup.objects.get()
    assert again.state == State.TODO
    assert "nothing was done" in again.sentence
    assert (host.folder / "zone.git" / "HEAD").read_text() == "ref: refs/heads/other\n"
    assert sentences(again) == [
        "Let main be its default branch: it has no commits yet.",
        "Let it refuse the deletion of a branch.",
    ]
    with pytest.raises(Conflict, match="not the plan"):
        actions.prepare_git_host(actor=alice, repository=repository, plan=seen.plan)
    actions.prepare_git_host(actor=alice, repository=repository, plan=again.plan)
    assert worker.serve(seen.pk)
    assert HostSetup.objects.get().state == State.READY


def test_something_else_in_its_place_is_for_a_person(
    host: GitHost, repository: Repository, look: Callable[..., HostSetup]
) -> None:
    (host.folder / "zone.git").mkdir()
    (host.folder / "zone.git" / "precious").touch()
    seen = look(repository)
    assert (seen.state, seen.steps) == (State.BY_HAND, [])
    assert seen.problems == ["There is something else than a repository at this path."]
    # A key that is there with other rights is told too, and never doubled.
    (host.folder / "zone.git" / "precious").unlink()
    (host.folder / "zone.git").rmdir()
    host.authorize(PUBLIC)
    told = look(repository, writers=[PUBLIC])
    assert (told.state, len(told.steps)) == (State.TODO, 3)
    assert "with other rights" in told.problems[0]


def test_a_host_that_is_away_and_a_wish_that_was_lost(
    host: GitHost, repository: Repository, alice: Actor, worker: GitHosts
) -> None:
    setup = actions.look_at_git_host(actor=alice, repository=repository)
    assert list(asked_setups()) == [setup]
    host.stop()
    assert worker.serve(setup.pk)
    assert not worker.serve(setup.pk)
    setup.refresh_from_db()
    assert (setup.state, setup.asked) == (State.FAILED, "")
    assert "cannot be reached" in setup.sentence


def test_a_newer_wish_is_not_answered_by_an_older_look(repository: Repository, alice: Actor) -> None:
    older = actions.look_at_git_host(actor=alice, repository=repository)
    actions.look_at_git_host(actor=alice, repository=repository, readers=[PUBLIC])
    seen = Seen(State.READY, "It is set up as it should be.")
    actions.record_git_host(actor=Actor.rookery(), setup=older, seen=seen)
    assert (HostSetup.objects.get().state, HostSetup.objects.get().asked) == (State.UNKNOWN, "look")
    with pytest.raises(Forbidden):
        actions.record_git_host(actor=alice, setup=older, seen=seen)


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"readers": ["no key"]}, "readers"),
        ({"writers": ['command="id" ' + PUBLIC]}, "writers"),
        ({"writers": [PUBLIC + "\nssh-ed25519 AAAA"]}, ""),
        ({"readers": ["ssh-ed25519 " + "A" * 69]}, "readers"),
        ({"readers": [new_ssh_key("x")[1] for _ in range(11)]}, "readers"),
    ],
)
def test_only_plain_public_keys_are_taken(
    repository: Repository, alice: Actor, keys: dict[str, list[str]], field: str
) -> None:
    if not field:  # the key alone is kept, whatever follows it
        setup = actions.look_at_git_host(actor=alice, repository=repository, **keys)
        assert setup.keys == [{"key": " ".join(PUBLIC.split()[:2]), "writes": True}]
        return
    with pytest.raises(Invalid) as refused:
        actions.look_at_git_host(actor=alice, repository=repository, **keys)
    assert [each.field for each in refused.value.problems] == [field]


def test_nothing_is_asked_of_a_host_whose_key_nobody_compared(repository: Repository, alice: Actor) -> None:
    Repository.objects.update(host_key="")
    repository.refresh_from_db()
    with pytest.raises(Conflict, match="Compare the key"):
        actions.look_at_git_host(actor=alice, repository=repository)
    Repository.objects.update(host_key="x")
    repository.refresh_from_db()
    with pytest.raises(Invalid, match="own key"):
        actions.look_at_git_host(actor=alice, repository=repository, writers=[repository.public_key])
