"""The sandbox's second repository: made without Rookery, explained within one look, and not touched by it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenants.actions import adoption, domains, repositories
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.guards import Guards
from tenants.models import Finding, Mailbox, Organization, TargetAddress, TargetDomain
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending
from workers.errands.scout import Scout, domains_to_review, due_domains, review_dependents
from workers.lookups import Record, Reply, Status
from workers.sandbox import handmade
from workers.sandbox.git_host import GitHost
from workers.sandbox.names import Code, HostedView

pytestmark = pytest.mark.django_db(transaction=True)


class View:
    """The sandbox's names without the sockets between."""

    def ask(self, name: str, kind: str, seconds: float) -> Reply:
        said = HostedView().ask(name, kind)
        if said.code is not Code.FOUND:
            return Reply(Status.NO_NAME if said.code is Code.NO_NAME else Status.FAILED)
        records = tuple(
            Record(data=text.strip('"').encode()) if kind == "TXT" else Record(text.split()[-1].rstrip("."))
            for text in said.records
        )
        return Reply(Status.DATA if records else Status.NO_DATA, records)


@pytest.fixture
def world(tmp_path: Path, alice: Actor, organization: Organization) -> Iterator[RelayWorld]:
    """Connected in report mode, its host's key compared."""
    domain = domains.create_domain(actor=alice, organization=organization, name=handmade.DOMAIN)
    with GitHost(tmp_path / "host", "127.0.0.1", shell=True) as host:  # noqa: S604 - on loopback
        handmade.make(host.create_repository(handmade.PATH))
        repository = repositories.connect_repository(
            actor=alice, domain=domain, host=host.host, port=host.port, path=handmade.PATH
        )
        host.authorize(repository.public_key)
        world = RelayWorld.make(host, repository, tmp_path / "mirrors")
        assert world.reconcile() is Ending.STOPPED
        repositories.confirm_host_key(
            actor=alice, repository=world.repository, fingerprint_seen=fingerprint(host.public_key)
        )
        yield world
        world.kind.close()


def every_byte(folder: Path) -> dict[str, str]:
    """All files of the repository, with all objects and refs in them."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def look_up_everything() -> None:
    for row in list(due_domains()):
        Scout(View()).look_up(row.pk)
    for row in domains_to_review():
        review_dependents(row.pk)


def told(world: RelayWorld) -> dict[str, str]:
    """All that people read about each entry."""
    rows = list(world.target.findings.all())
    guards = Guards.about({host for row in rows for host in row.hosts.split()}, world.target.organization_id)
    return {row.unit: " ".join([row.sentence, *guards.told(row.hosts.split())]) for row in rows}


def test_every_entry_is_explained_and_no_byte_changed(world: RelayWorld) -> None:
    before = every_byte(world.folder)
    for _ in range(3):
        assert world.reconcile() is Ending.AGREED
    assert "Checking where mail of nomx.example goes." in told(world)["lost"]
    look_up_everything()
    assert world.reconcile() is Ending.AGREED
    assert every_byte(world.folder) == before
    said = told(world)
    assert len(said) == len(handmade.ENTRIES)
    expected = {
        "dinosaure": "ptt uses it.",
        "lost": "nomx.example has no MX record",
        "refused": "takes no mail (a null MX)",
        "strict": "not about mail that goes there",
        "mixed": "north.shared.example and south.shared.example use the same mail server (mx.shared.example",
        "echo": "in a circle: echo@handmade.example → echo@handmade.example.",
        "anna": "in a circle: anna@handmade.example → otto@handmade.example → anna@handmade.example.",
        "otto": "in a circle: otto@handmade.example → anna@handmade.example → otto@handmade.example.",
        "Mary": "upper-case",
        "plain": "insecure",
        "catch.all": "cannot take it over",
        "README.md": "ptt skips it",
        "half": "ptt skips it: The file is no JSON",
        "nohash": "“password” is missing",
        "extra": "“note” is unknown",
        ".mailmap": "no local part",
    }
    for unit, words in expected.items():
        assert words in said[unit], said[unit]
    assert said["dinosaure"] == "ptt uses it."
    assert "same mail server" not in said["apart"]
    assert any("caf" in unit for unit in said)
    takeable = set(world.target.findings.filter(takeable=True).values_list("unit", flat=True))
    assert takeable == {
        "dinosaure",
        "hannes",
        "contact",
        "twin",
        "lost",
        "refused",
        "strict",
        "mixed",
        "apart",
    }
    assert not Mailbox.objects.exists()
    assert TargetDomain.objects.get(name="nomx.example").answer == "address_only"


def test_a_circle_is_told_anew_when_the_other_entry_changes(world: RelayWorld) -> None:
    world.reconcile()
    assert "circle" in told(world)["anna"]
    content = handmade.ENTRIES[b"dinosaure"].decode()
    world.git("update-ref", "refs/heads/main", replaced(world, "otto", content))
    assert world.reconcile() is Ending.AGREED
    assert "circle" not in told(world)["anna"]
    assert "circle" not in told(world)["otto"]
    assert "circle" in told(world)["echo"]


def replaced(world: RelayWorld, name: str, content: str) -> str:
    """A commit by hand that changes one file and leaves all others, whatever their names."""
    blob = world.git("hash-object", "-w", "--stdin", stdin=content.encode()).strip()
    lines = [
        line if line.partition("\t")[2] != name else f"100644 blob {blob}\t{name}"
        for line in world.git("ls-tree", "main").splitlines()
    ]
    tree = world.git("mktree", stdin=("\n".join(lines) + "\n").encode()).strip()
    return world.git("commit-tree", tree, "-p", world.tip(), "-m", "by hand").strip()


def test_taken_over_it_keeps_every_byte_and_is_warned_about(world: RelayWorld, alice: Actor) -> None:
    world.reconcile()
    before = every_byte(world.folder)
    adoption.decide_findings(actor=alice, target=world.target, decision="adopt")
    assert world.reconcile() is Ending.AGREED
    assert Mailbox.objects.count() == 9
    look_up_everything()
    assert world.reconcile() is Ending.AGREED
    assert every_byte(world.folder) == before
    mixed = Mailbox.objects.get(local_part="mixed")
    assert [row.kind for row in mixed.warnings.all()] == ["shared-exchange"]
    assert not Mailbox.objects.get(local_part="apart").warnings.exists()
    assert set(TargetAddress.objects.values_list("exchange", flat=True)) == {""}
    assert Finding.objects.filter(kind="foreign").count() == 6
