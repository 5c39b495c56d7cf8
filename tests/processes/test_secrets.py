"""The web process without the workers' key does all of the story; and no secret comes out anywhere.

Real web, worker, beat, mail server and git host, as loud as they can be; then a look at everything that they
wrote, said, sent and showed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

from tenants.actions import accounts, domains, organizations
from tenants.actor import Actor
from tenants.models import OutgoingMail, Repository, SyncTarget
from tenants.secrets import Opener, Purpose
from tests.access.operations import ROWS as OPERATIONS
from tests.access.pages import ROWS as PAGES
from tests.conftest import account
from tests.processes.client import Visitor
from tests.processes.crew import Crew
from tests.processes.running import ROOT, until
from tests.smtp_server import SmtpServer
from tests.world import World, build_world
from workers.sandbox.git_host import GitHost

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240), pytest.mark.one_database]

DOMAIN = "story.example"
PANEL_PASSWORD = "harbour-candle-canary-71"


class Letters(SmtpServer):
    """A mail server that keeps what it is given."""

    def link(self, to: str, below: str) -> str:
        """The token of the last link below a path that was mailed to somebody, once it is there."""

        def tokens() -> list[str]:
            found = (
                re.findall(rf"{below}/([A-Za-z0-9_-]{{20,}})", text)
                for who, text in self.letters
                if who == to
            )
            return [token for each in found for token in each]

        until(tokens, f"a mail to {to} with a link below {below}", 60)
        return tokens()[-1]


@pytest.fixture
def letters(workers: Crew) -> Iterator[Letters]:
    with Letters() as server:
        workers.extra["ROOKERY_SMTP_PORT"] = str(server.port)
        yield server


def digest(text: str) -> str:
    return hashlib.blake2b(text.encode()).hexdigest()


def test_the_story_without_the_key_and_no_secret_comes_out(
    workers: Crew, host: GitHost, letters: Letters, tmp_path: Path
) -> None:
    workers.extra["ROOKERY_LOG_LEVEL"] = "DEBUG"
    _, first_link = accounts.create_operator(actor=Actor.rookery(), email="olga@people.example", name="Olga")
    base = workers.start_web()
    workers.start_worker()
    workers.start_beat()
    secrets = {"the workers' key": settings.WORKERS_KEY, "the first link": first_link.rpartition("/")[2]}

    olga = Visitor(base)
    assert olga.post(f"/sign-in/{secrets['the first link']}").status == 302
    assert olga.post("/account/password", "/account", password=PANEL_PASSWORD).status == 302
    csrf = {"X-CSRFToken": olga.cookies["rookery_csrf"], "Origin": base, "Content-Type": "application/json"}
    made = olga.ask("POST", "/api/v1/account/tokens/", '{"name": "story", "days": 1}', **csrf)
    program = Visitor(base, made.json()["key"])
    secrets |= {"a program's key": program.key, "a panel password": PANEL_PASSWORD}
    secrets["a session"] = olga.cookies["rookery_session"]

    target = connect(program, host)
    secrets |= ask_and_approve(base, program, letters)
    until(lambda: SyncTarget.objects.get(pk=target).in_agreement, "the proof", 60)
    repository = host.folder / f"{DOMAIN}.git"
    assert secrets["a requester's hash"] in git(repository, "show", "main:mary")
    secrets |= use_as_holder(base, letters)
    until(lambda: secrets["a holder's hash"] in git(repository, "show", "main:mary"), "the new hash", 60)
    until(lambda: not OutgoingMail.objects.filter(sent_at=None).exists(), "all mails are sent", 60)

    world = another_world()
    secrets |= {"a page's token": world.page_token, "a target's token": world.target_token}
    look_at_everything(olga, program, world)
    require_no_key(workers)
    sealed = bytes(Repository.objects.get(domain__name=DOMAIN).sealed_key)
    secrets["our SSH key"] = Opener().open(Purpose.SSH_KEY, sealed).splitlines()[2]
    for name, secret in secrets.items():
        assert len(secret) > 20, name
    require_nowhere(secrets, workers, repository)


def connect(program: Visitor, host: GitHost) -> int:
    """An organization, a domain where anyone may ask, and its repository with a confirmed host key."""
    organization = program.call("POST", "organizations/", name="Story tellers").json()["id"]
    program.call("POST", "domains/", organization=organization, name=DOMAIN)
    program.call("PATCH", f"domains/{DOMAIN}/", requests="moderated")
    host.create_repository(f"{DOMAIN}.git")
    place = {"host": host.host, "port": host.port, "username": "git", "path": f"{DOMAIN}.git"}
    made = program.call("PUT", f"domains/{DOMAIN}/repository/", **place).json()
    host.authorize(made["public_key"])

    def offered() -> Any:
        return program.call("GET", f"domains/{DOMAIN}/repository/").json()["offered_host_key_fingerprint"]

    until(offered, "a worker looks at the host key", 60)
    program.call("POST", f"domains/{DOMAIN}/repository/host-key/", fingerprint=offered())
    return int(made["target"])


def ask_and_approve(base: str, program: Visitor, letters: Letters) -> dict[str, str]:
    """A stranger asks by the public page, presses the button behind the mailed link, and gets a yes."""
    stranger, to = Visitor(base), "mary@harbour.example"
    secrets = {"a requester's hash": digest("ferry-lantern-otter-quartz")}
    asked = stranger.post(
        f"/ask/{DOMAIN}",
        local_part="mary",
        target=to,
        password_hash=secrets["a requester's hash"],
        message="We met at the harbour.",
    )
    page = asked.headers["Location"].removeprefix(base)
    secrets["a timeline's link"] = page.rpartition("/")[2].partition("?")[0]
    assert stranger.get(page).status == 200
    confirm = secrets["a confirmation's link"] = letters.link(to, "/asked/confirm")
    assert stranger.post(f"/asked/confirm/{confirm}").status == 200
    found = program.call("GET", f"requests/?status=confirmed&domain={DOMAIN}").json()
    program.call("POST", f"requests/{found['results'][0]['id']}/approve/")
    return secrets


def use_as_holder(base: str, letters: Letters) -> dict[str, str]:
    """The holder signs in by a mailed link, sets another passphrase and adds a target."""
    mary, to, page = Visitor(base), "mary@harbour.example", f"/d/{DOMAIN}/addresses/mary"
    secrets = {"a holder's hash": digest("ribbon-canary-slate-vivid")}
    mary.post("/sign-in", way="link", email=to)
    secrets["a sign-in link"] = letters.link(to, "/sign-in")
    assert mary.post(f"/sign-in/{secrets['a sign-in link']}").status == 302
    secrets["a holder's session"] = mary.cookies["rookery_session"]
    changed = mary.post(f"{page}/passphrase", page, password_hash=secrets["a holder's hash"])
    assert changed.status == 302, changed.body
    second = "mary2@harbour.example"
    assert mary.post(f"{page}/targets/add", page, address=second).status == 302
    confirm = secrets["a target's link"] = letters.link(second, "/confirm")
    assert Visitor(base).post(f"/confirm/{confirm}").status == 200
    return secrets


def another_world() -> World:
    """Something of everything, for the pages that the story did not fill."""
    owner = Actor(account=account("alice"))
    organization = organizations.create_organization(actor=Actor.rookery(), name="Analytical Society")
    organizations.add_member(
        actor=Actor.rookery(), organization=organization, email="alice@people.example", role="owner"
    )
    domain = domains.create_domain(actor=owner, organization=organization, name="example.org")
    return build_world(owner, organization, domain)


def look_at_everything(olga: Visitor, program: Visitor, world: World) -> None:
    """Every page and every operation that reads, as an operator; what they answer is in the tables."""
    codes = {"to": 302, "in": 302}
    for row in PAGES:
        if row.method == "GET" and row.name != "sign-in":
            wanted = row.answer("operator")
            answer = olga.get(row.address(world))
            assert answer.status == codes.get(wanted) or str(answer.status) == wanted, (row.name, answer)
    for row in OPERATIONS:
        if row.method == "GET":
            answer = program.get(row.address(world))
            assert str(answer.status) == row.answer("operator"), (row.name, answer)


def require_no_key(workers: Crew) -> None:
    """What the web process has opens nothing."""
    assert not list(workers.folder.rglob("workers.key"))
    opening = "import django; django.setup(); from tenants.secrets import Opener; Opener()"
    done = subprocess.run(
        [sys.executable, "-c", opening],
        cwd=ROOT,
        env=workers.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "CannotOpen: This process does not hold the workers' key" in done.stderr


def require_nowhere(secrets: dict[str, str], workers: Crew, repository: Path) -> None:
    """No secret is in a log, a row, a commit, a message to a worker, or a list of processes."""
    told = {f"the table {name}": rows for name, rows in all_rows()}
    told["the logs"] = workers.said()
    told["the broker"] = workers.broker_knows().decode(errors="replace")
    told["the commits"] = git(repository, "log", "--all", "--format=fuller", "--name-only")
    for pid in workers.processes():
        for what in ("cmdline", "environ"):
            told[f"{what} of {pid}"] = Path(f"/proc/{pid}/{what}").read_bytes().decode(errors="replace")
    assert DOMAIN in told["the table Domain"]
    assert "DEBUG" in told["the logs"]
    assert "reconcile" in told["the broker"]
    assert "Asked-by" in told["the commits"]
    for name, secret in secrets.items():
        for place, text in told.items():
            if "session" in name and place == "the table Session":
                continue  # how Django finds a session
            assert secret not in text, f"{name} is in {place}"


def all_rows() -> Iterator[tuple[str, str]]:
    for model in apps.get_models():
        rows = [
            {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
            for row in model._default_manager.values()
        ]
        yield model.__name__, repr(rows)


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, check=True, env=dict(os.environ)
    )
    return done.stdout.decode()
